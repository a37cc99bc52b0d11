package dev.atelier.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a bucket in memory that computes the signature of each request itself, by Amazon's description of version 4. */
class S3StoreTest {
    private static final String SECRET = "not-a-secret";
    private static final byte[] CONTENT = {1, 2, 3};

    private final Map<String, byte[]> objects = new ConcurrentHashMap<>();
    private final List<String> problems = new ArrayList<>();
    private HttpServer server;
    private ObjectStore store;

    @BeforeEach
    void start() throws IOException {
        System.setProperty("aws.accessKeyId", "tester");
        System.setProperty("aws.secretAccessKey", SECRET);
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", this::answer);
        server.start();
        store = S3Store.open(URI.create("s3://pictures/some/where?endpoint=http://127.0.0.1:%d&region=eu-test-1"
                .formatted(server.getAddress().getPort())));
    }

    @AfterEach
    void stop() {
        store.close();
        server.stop(0);
        System.clearProperty("aws.accessKeyId");
        System.clearProperty("aws.secretAccessKey");
        assertThat(problems).isEmpty();
    }

    private void answer(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        String path = exchange.getRequestURI().getPath();
        int status;
        byte[] answer = {};
        if (!isSigned(exchange, body)) {
            problems.add("%s %s is not signed".formatted(exchange.getRequestMethod(), path));
            status = 403;
        } else if (path.startsWith("/pictures/some/where/broken")) {
            status = 403;
        } else {
            switch (exchange.getRequestMethod()) {
                case "PUT" -> {
                    objects.put(path, body);
                    status = 200;
                }
                case "DELETE" -> {
                    objects.remove(path);
                    status = 204;
                }
                default -> {
                    status = objects.containsKey(path) ? 200 : 404;
                    answer = objects.getOrDefault(
                            path, "<Error><Code>NoSuchKey</Code></Error>".getBytes(StandardCharsets.UTF_8));
                }
            }
        }
        exchange.sendResponseHeaders(status, status == 204 ? -1 : answer.length == 0 ? -1 : answer.length);
        exchange.getResponseBody().write(answer);
        exchange.close();
    }

    private static boolean isSigned(HttpExchange exchange, byte[] body) {
        Map<String, String> given = Map.of();
        String header = exchange.getRequestHeaders().getFirst("Authorization");
        if (header != null && header.startsWith("AWS4-HMAC-SHA256 ")) {
            given = List.of(header.substring("AWS4-HMAC-SHA256 ".length()).split(", *")).stream()
                    .map(part -> part.split("=", 2))
                    .collect(Collectors.toMap(part -> part[0], part -> part[1]));
        }
        String[] scope = given.getOrDefault("Credential", "").split("/");
        if (scope.length != 5 || !scope[0].equals("tester") || !scope[2].equals("eu-test-1")) {
            return false;
        }
        String hash = exchange.getRequestHeaders().getFirst("x-amz-content-sha256");
        if (!hash.equals("UNSIGNED-PAYLOAD") && !hash.equals(sha256(body))) {
            return false;
        }
        String signedHeaders = given.get("SignedHeaders");
        String headers = List.of(signedHeaders.split(";")).stream()
                .map(name ->
                        name + ":" + exchange.getRequestHeaders().getFirst(name).strip() + "\n")
                .collect(Collectors.joining());
        String canonical = String.join(
                "\n",
                exchange.getRequestMethod(),
                exchange.getRequestURI().getRawPath(),
                Optional.ofNullable(exchange.getRequestURI().getRawQuery()).orElse(""),
                headers,
                signedHeaders,
                hash);
        String text = String.join(
                "\n",
                "AWS4-HMAC-SHA256",
                exchange.getRequestHeaders().getFirst("x-amz-date"),
                String.join("/", scope[1], scope[2], scope[3], scope[4]),
                sha256(canonical.getBytes(StandardCharsets.UTF_8)));
        byte[] key = ("AWS4" + SECRET).getBytes(StandardCharsets.UTF_8);
        for (String part : List.of(scope[1], scope[2], scope[3], scope[4], text)) {
            key = hmac(key, part);
        }
        return HexFormat.of().formatHex(key).equals(given.get("Signature"));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void keepsAndForgets() throws IOException {
        store.put("images/a/1-0.png", CONTENT);
        assertThat(objects).containsOnlyKeys("/pictures/some/where/images/a/1-0.png");
        assertThat(store.read("images/a/1-0.png")).contains(CONTENT);
        store.delete("images/a/1-0.png");
        assertThat(store.read("images/a/1-0.png")).isEmpty();
        assertThat(store.read("../a")).isEmpty();
    }

    @Test
    void saysWhatTheStoreRefuses() {
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> store.put("broken", CONTENT))
                .withMessageContaining("cannot keep broken in the bucket pictures");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> S3Store.open(URI.create("file:///tmp")))
                .withMessageContaining("s3://bucket");
    }
}
