package dev.atelier.server;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.atelier.server.db.Database;
import dev.atelier.server.db.Json;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Limits;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What strangers try; see also the tests of uploads, of webhooks and of requests to other servers. */
class SecurityTest {
    private static final String SCRIPT = "<script>alert(1)</script>";

    @TempDir
    static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        Files.writeString(folder.resolve("secret.txt"), "a secret");
        Path models = Files.createDirectories(folder.resolve("models"));
        Files.createSymbolicLink(models.resolve("again"), models);
        Files.createSymbolicLink(models.resolve("nowhere.safetensors"), folder.resolve("gone"));
        server = TestServer.start(folder, null);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    /** Sends bytes that no client of the JDK would. */
    private static String raw(String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            InputStream in = socket.getInputStream();
            return new String(in.readNBytes(12), StandardCharsets.ISO_8859_1)
                    + new String(in.readNBytes(Math.min(in.available(), 1 << 16)), StandardCharsets.ISO_8859_1);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/studio/../../secret.txt",
                "/studio/..%2f..%2fsecret.txt",
                "/studio/%2e%2e/%2e%2e/secret.txt",
                "/files/1/x/../../../secret.txt",
                "/files/99999999999/00/..%2f..%2fsecret.txt",
                "/api/v1/uploads/..%2f..%2fsecret.txt",
                "/openapi/../../secret.txt",
                "/..;/secret.txt",
                "//secret.txt"
            })
    void nothingBesideTheFoldersIsServed(String path) throws IOException {
        String answer = raw("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".formatted(path));
        assertThat(answer).matches("(?s)HTTP/1\\.1 4\\d\\d.*").doesNotContain("a secret");
    }

    @Test
    void modelsBesideTheFolderCannotBeNamed() {
        HttpResponse<String> response = server.post(
                "/sdapi/v1/options", "{\"sd_model_checkpoint\": \"%s\"}".formatted(folder.resolve("secret.txt")));
        assertThat(response.body()).contains("not found").doesNotContain("a secret");
    }

    /** 64 MB of text in a PNG file of 64 kB. */
    @ParameterizedTest
    @ValueSource(strings = {"zTXt", "iTXt", "iCCP"})
    void textsThatUnpackToNoEndAreNotUnpacked(String type) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        packed.write(new byte[] {'a', 0});
        packed.write(type.equals("iTXt") ? new byte[] {1, 0, 0, 0} : new byte[] {0});
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(packed)) {
            for (int i = 0; i < 64; i++) {
                deflater.write(new byte[1 << 20]);
            }
        }
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        png.write(ByteBuffer.allocate(8).putLong(0x89504e470d0a1a0aL).array());
        chunk(png, "IHDR", new byte[] {0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0});
        chunk(png, type, packed.toByteArray());
        ByteArrayOutputStream pixels = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(pixels)) {
            deflater.write(new byte[2]);
        }
        chunk(png, "IDAT", pixels.toByteArray());
        chunk(png, "IEND", new byte[0]);
        String image = Base64.getEncoder().encodeToString(png.toByteArray());
        HttpResponse<String> info = server.post("/sdapi/v1/png-info", "{\"image\": \"%s\"}".formatted(image));
        assertThat(info.statusCode()).isEqualTo(500);
        assertThat(json(info).get("detail").stringValue()).isEqualTo("Invalid encoded image");
        HttpResponse<String> draw =
                server.post("/sdapi/v1/img2img", "{\"init_images\": [\"%s\"], \"steps\": 1}".formatted(image));
        assertThat(draw.statusCode()).isEqualTo(500);
        assertThat(json(draw).get("detail").stringValue()).isEqualTo("Invalid encoded image");
    }

    private static void chunk(ByteArrayOutputStream png, String type, byte[] data) throws IOException {
        byte[] named = new byte[4 + data.length];
        System.arraycopy(type.getBytes(StandardCharsets.US_ASCII), 0, named, 0, 4);
        System.arraycopy(data, 0, named, 4, data.length);
        CRC32 crc = new CRC32();
        crc.update(named);
        png.write(ByteBuffer.allocate(4).putInt(data.length).array());
        png.write(named);
        png.write(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/sdapi/v1/txt2img", "/v3/async/txt2img", "/v2/txt2img", "/api/v1/pictures", "/api/v1/imports"})
    void bodiesThatAreTooLongAreNotRead(String path) throws IOException {
        String answer =
                raw("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4000000000\r\n\r\n".formatted(path));
        // version 2 of Novita's API says everything with 200
        assertThat(answer).startsWith(path.startsWith("/v2/") ? "HTTP/1.1 200" : "HTTP/1.1 4");
    }

    /** The body follows when the answer could have been sent: the connection still serves the next request. */
    @ParameterizedTest
    @CsvSource({"POST, /nothing", "POST, /v3/model", "POST, /sdapi/v1/skip", "GET, /v3/model", "POST, /sdapi/v1/txt2img"
    })
    void bodiesThatNobodyReadsDoNotEndTheConnection(String method, String path) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(10_000);
            OutputStream out = socket.getOutputStream();
            out.write("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n"
                    .formatted(method, path)
                    .getBytes(StandardCharsets.US_ASCII));
            LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
            out.write("[]GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII));
            String answers = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answers.split("HTTP/1\\.1 \\d{3} ")).as(answers).hasSize(3);
        }
    }

    /** With the connection closed while the client sends, it would see a reset in place of the answer. */
    @ParameterizedTest
    @CsvSource({"/nothing, 404", "/api/v1/imports, 413", "/sdapi/v1/options, 413"})
    void clientsThatSendTooMuchSeeTheAnswer(String path, int status) {
        byte[] body = new byte[30 << 20];
        for (BodyPublisher sent : List.of(
                BodyPublishers.ofByteArray(body), BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)))) {
            assertThat(server.send(server.request(path).POST(sent)).statusCode())
                    .isEqualTo(status);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/sdapi/v1/txt2img", "/v3/async/txt2img", "/api/v1/pictures", "/api/v1/merges", "/api/v1/imports"
            })
    void deepAndWideObjectsAreRefusedAtOnce(String path) {
        String deep = "{\"prompt\": " + "[".repeat(1_000_000);
        String wide = IntStream.range(0, 200_000)
                .mapToObj("\"key%d\": 0"::formatted)
                .collect(Collectors.joining(", ", "{\"steps\": \"many\", ", "}"));
        for (String body : List.of(deep, wide)) {
            HttpResponse<String> response =
                    assertTimeoutPreemptively(Duration.ofSeconds(20), () -> server.post(path, body));
            assertThat(response.statusCode()).isBetween(400, 499);
        }
    }

    /** A link in a circle, one that leads nowhere: the folder is read all the same. */
    @Test
    void linksInTheModelsFolderStopNobody() {
        assertThat(server.post("/sdapi/v1/refresh-checkpoints", "").body()).isEqualTo("null");
        assertThat(json(server.get("/sdapi/v1/sd-models"))).hasSize(1);
    }

    @Test
    void patternsThatNeverEndAreGivenUp() {
        String model =
                json(server.get("/sdapi/v1/sd-models")).at("/0/model_name").stringValue();
        String expression = "discard('%s', pattern='.*.*.*.*.*.*.*.*.*.*X')".formatted(model);
        String body = Json.MAPPER.createObjectNode().put("model", expression).toString();
        HttpResponse<String> response =
                assertTimeoutPreemptively(Duration.ofSeconds(20), () -> server.post("/api/v1/models/check", body));
        assertThat(response.body()).contains("takes too long");
    }

    @Test
    void promptsThatNeverEndAreRefused() {
        String body = "{\"disable_extra_networks\": true, \"prompt\": \"" + "<lora:".repeat(200_000) + "\"}";
        HttpResponse<String> response =
                assertTimeoutPreemptively(Duration.ofSeconds(20), () -> server.post("/sdapi/v1/txt2img", body));
        assertThat(response.statusCode()).isEqualTo(422);
        assertThat(json(response).get("detail").stringValue()).startsWith("prompt must have at most 50000 characters");
    }

    @Test
    void nobodyHasAllStreamsOfEvents() throws IOException {
        List<Socket> sockets = new ArrayList<>();
        String last = "";
        try {
            for (int i = 0; i < 65; i++) {
                Socket socket = new Socket("127.0.0.1", server.port());
                sockets.add(socket);
                socket.setSoTimeout(10_000);
                socket.getOutputStream()
                        .write("GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                                .getBytes(StandardCharsets.US_ASCII));
                last = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
            }
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
        assertThat(last).isEqualTo("HTTP/1.1 503");
    }

    @ParameterizedTest
    @CsvSource({"/sdapi/v1/txt2img", "/v3/async/txt2img", "/api/v1/pictures", "/api/v1/imports"})
    void otherPagesMayNotPost(String path) {
        HttpResponse<String> response = server.send(server.request(path)
                .header("Origin", "https://evil.example")
                .header("Content-Type", "text/plain")
                .POST(BodyPublishers.ofString("{}")));
        assertThat(response.statusCode()).isEqualTo(403);
        assertThat(response.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
    }

    @Test
    void aNameThatLeadsHereIsNotThisServer() throws IOException {
        String answer = raw("GET /sdapi/v1/options HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        assertThat(answer).startsWith("HTTP/1.1 403");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/" + "%3Cscript%3Ealert(1)%3C/script%3E",
                "/sdapi/v1/%3Cscript%3E",
                "/v3/async/task-result?task_id=%3Cscript%3E",
                "/v2/progress?task_id=%3Cscript%3E",
                "/api/v1/jobs/%3Cscript%3E",
                "/metrics/%3Cscript%3E"
            })
    void noAnswerIsAPageThatACallerWrote(String path) {
        HttpResponse<String> response = server.get(path);
        assertThat(response.headers().firstValue("Content-Type").orElse("")).doesNotContain("html");
        assertThat(response.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
    }

    @Test
    void scriptsInPromptsStayText() {
        HttpResponse<String> drawn = server.post(
                "/sdapi/v1/txt2img",
                "{\"prompt\": \"%s\", \"steps\": 1, \"width\": 64, \"height\": 64}".formatted(SCRIPT));
        assertThat(drawn.headers().firstValue("Content-Type").orElseThrow()).startsWith("application/json");
        String image = json(drawn).at("/images/0").stringValue();
        HttpResponse<String> info = server.post("/sdapi/v1/png-info", "{\"image\": \"%s\"}".formatted(image));
        assertThat(info.headers().firstValue("Content-Type").orElseThrow()).startsWith("application/json");
        assertThat(json(info).get("info").stringValue()).contains(SCRIPT);
        assertThat(server.get("/")
                        .headers()
                        .firstValue("Content-Security-Policy")
                        .orElseThrow())
                .contains("default-src 'none'")
                .contains("script-src 'self'")
                .doesNotContain("unsafe");
    }

    @Test
    void idsOfRequestsCannotCarryHeaders() throws IOException {
        String answer = raw("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: a\u0000b\tSet-Cookie: c=d\r\n"
                + "Connection: close\r\n\r\n");
        assertThat(answer).doesNotContain("c=d");
    }

    /** That keys are compared in constant time cannot be timed here; that all of a key counts can be seen. */
    @Test
    void everyDigitOfAKeyCounts() {
        try (Database database = Database.sqlite(folder.resolve("keys.db"))) {
            ApiKeys keys = new ApiKeys(database);
            String secret = keys.create("test", null, Limits.NONE).secret();
            assertThat(keys.authenticate(secret)).isPresent();
            for (int i = "atl_".length(); i < secret.length(); i++) {
                if (secret.charAt(i) != '_') {
                    char other = secret.charAt(i) == '0' ? '1' : '0';
                    String wrong = secret.substring(0, i) + other + secret.substring(i + 1);
                    assertThat(keys.authenticate(wrong)).as("digit %d", i).isEmpty();
                }
            }
            assertThat(keys.authenticate(secret.toUpperCase(Locale.ROOT))).isEmpty();
            assertThat(keys.authenticate(secret + "0")).isEmpty();
        }
    }
}
