package dev.atelier.server.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OutboundTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Hosts EXAMPLES = new Hosts(List.of("models.example", "*.cdn.example"));
    private static final byte[] FILE = {1, 2, 3};

    @TempDir
    static Path folder;

    private static final AtomicInteger requests = new AtomicInteger();
    private static HttpServer plain;
    private static HttpsServer secure;
    private static SslContextFactory.Client tls;

    @BeforeAll
    static void start() throws Exception {
        plain = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        plain.createContext("/", exchange -> {
            requests.incrementAndGet();
            answer(exchange, exchange.getRequestURI().getPath().equals("/moved") ? 302 : 200);
        });
        plain.start();

        Path keys = folder.resolve("keys.p12");
        new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-alias",
                        "test",
                        "-dname",
                        "CN=test",
                        "-storepass",
                        "testtest",
                        "-keystore",
                        keys.toString(),
                        "-ext",
                        "SAN=dns:models.example,dns:a.cdn.example,dns:elsewhere.example")
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("keytool").toFile())
                .start()
                .waitFor();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(keys)) {
            store.load(in, "testtest".toCharArray());
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(store, "testtest".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        secure = HttpsServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        secure.setHttpsConfigurator(new HttpsConfigurator(context));
        secure.createContext(
                "/",
                exchange -> answer(exchange, exchange.getRequestURI().getPath().equals("/file") ? 200 : 302));
        secure.start();
        tls = new SslContextFactory.Client();
        tls.setTrustStore(store);
    }

    @AfterAll
    static void stop() {
        plain.stop(0);
        secure.stop(0);
    }

    /** The path of a redirect is where it leads. */
    private static void answer(HttpExchange exchange, int status) throws IOException {
        if (status == 302) {
            exchange.getResponseHeaders()
                    .add("Location", exchange.getRequestURI().getQuery());
        }
        exchange.sendResponseHeaders(status, FILE.length);
        exchange.getResponseBody().write(FILE);
        exchange.close();
    }

    private static URI plain(String host) {
        return URI.create("http://%s:%d/".formatted(host, plain.getAddress().getPort()));
    }

    private static URI secure(String host, String path) {
        return URI.create("https://%s:%d%s".formatted(host, secure.getAddress().getPort(), path));
    }

    private static int post(Outbound outbound, URI url) throws Exception {
        return outbound.post(url, "application/json", Map.of(), new byte[2], TIMEOUT);
    }

    @ParameterizedTest
    @CsvSource({
        "localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
    })
    void thisMachineIsNotCalled(String host) {
        int before = requests.get();
        try (Outbound outbound = new Outbound(Hosts.NONE)) {
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> post(outbound, plain(host)));
        }
        assertThat(requests).hasValue(before);
    }

    @Test
    void aHostThatIsAllowedIs() throws Exception {
        try (Outbound outbound = new Outbound(new Hosts(List.of("localhost")))) {
            assertThat(post(outbound, plain("localhost"))).isEqualTo(200);
        }
    }

    @Test
    void aFileHasALimit() throws Exception {
        try (Outbound outbound = downloads()) {
            URI url = secure("models.example", "/file");
            assertThat(outbound.fetch(url, EXAMPLES, FILE.length, TIMEOUT)).isEqualTo(FILE);
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> outbound.fetch(url, EXAMPLES, FILE.length - 1, TIMEOUT))
                    .withMessageContaining("more than 2 bytes");
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> outbound.fetch(url, EXAMPLES, FILE.length, Duration.ZERO))
                    .withMessageContaining("takes longer");
        }
    }

    @Test
    void aNameThatChangesItsMindLeadsNowhere() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        int before = requests.get();
        Outbound.Names rebinding =
                _ -> new InetAddress[] {InetAddress.getByName(looks.getAndIncrement() == 0 ? "8.8.8.8" : "127.0.0.1")};
        try (Outbound outbound = new Outbound(Hosts.NONE, rebinding, new SslContextFactory.Client())) {
            URI url = plain("hooks.example");
            assertThatCode(() -> outbound.check(url)).doesNotThrowAnyException();
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> post(outbound, url))
                    .withMessageContaining("127.0.0.1");
        }
        assertThat(requests).hasValue(before);
    }

    @Test
    void aPrivateAddressAmongPublicOnesIsEnough() throws Exception {
        Outbound.Names mixed =
                _ -> new InetAddress[] {InetAddress.getByName("8.8.8.8"), InetAddress.getByName("10.0.0.1")};
        try (Outbound outbound = new Outbound(Hosts.NONE, mixed, new SslContextFactory.Client())) {
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> outbound.check(plain("hooks.example")));
        }
    }

    @Test
    void webhooksAreNotRedirected() throws Exception {
        int before = requests.get();
        try (Outbound outbound = new Outbound(new Hosts(List.of("localhost")))) {
            assertThat(post(outbound, plain("localhost").resolve("/moved?/other")))
                    .isEqualTo(302);
        }
        assertThat(requests).hasValue(before + 1);
    }

    @ParameterizedTest
    @CsvSource({
        "ftp://example.org/",
        "file:///etc/passwd",
        "https:///nowhere",
        "https://user:word@example.org/",
        "example.org"
    })
    void otherThanPlainWebAddressesAreRefused(String url) {
        try (Outbound outbound = new Outbound(Hosts.NONE)) {
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> outbound.check(URI.create(url)));
        }
    }

    private static Outbound downloads() {
        return new Outbound(
                new Hosts(List.of("models.example", "a.cdn.example", "elsewhere.example")),
                _ -> new InetAddress[] {InetAddress.getByName("127.0.0.1")},
                tls);
    }

    @Test
    void downloadsFollowRedirectsToAllowedHosts() throws Exception {
        try (Outbound outbound = downloads();
                Outbound.Download file = outbound.download(
                        secure("models.example", "/go?" + secure("a.cdn.example", "/file")), EXAMPLES)) {
            assertThat(file.size()).isEqualTo(FILE.length);
            assertThat(file.content().readAllBytes()).isEqualTo(FILE);
        }
    }

    @Test
    void downloadsLeadNowhereElse() {
        try (Outbound outbound = downloads()) {
            for (URI url : List.of(
                    secure("elsewhere.example", "/file"),
                    secure("models.example", "/go?" + secure("elsewhere.example", "/file")),
                    secure("models.example", "/go?" + plain("models.example")),
                    secure("models.example", "/go?file:///etc/passwd"),
                    secure("models.example", "/go?/go?/go"),
                    plain("models.example"))) {
                assertThatExceptionOfType(IOException.class)
                        .as(url.toString())
                        .isThrownBy(() -> outbound.download(url, EXAMPLES));
            }
        }
    }
}
