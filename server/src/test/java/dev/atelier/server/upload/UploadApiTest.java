package dev.atelier.server.upload;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.TestServer;
import dev.atelier.server.db.Database;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Limits;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UploadApiTest {
    @TempDir
    static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, null);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    /** A safetensors file of one tensor. */
    private static byte[] model(int seed) {
        byte[] header = "{\"weight\":{\"dtype\":\"F32\",\"shape\":[256],\"data_offsets\":[0,1024]}}     "
                .getBytes(StandardCharsets.US_ASCII);
        byte[] file = new byte[8 + header.length + 1024];
        new Random(seed).nextBytes(file);
        Arrays.fill(file, 0, 8, (byte) 0);
        file[0] = (byte) header.length;
        System.arraycopy(header, 0, file, 8, header.length);
        return file;
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static HttpRequest.Builder tus(String path) {
        return server.request(path).header("Tus-Resumable", "1.0.0");
    }

    private static HttpResponse<String> create(long length, String metadata) {
        return server.send(tus("/api/v1/uploads")
                .header("Upload-Length", Long.toString(length))
                .header("Upload-Metadata", metadata)
                .POST(BodyPublishers.noBody()));
    }

    private static String begin(long length, String metadata) {
        HttpResponse<String> created = create(length, metadata);
        assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
        return created.headers().firstValue("Location").orElseThrow();
    }

    private static HttpResponse<String> send(String upload, long offset, byte[] piece) {
        return server.send(tus(upload)
                .header("Upload-Offset", Long.toString(offset))
                .header("Content-Type", "application/offset+octet-stream")
                .method("PATCH", BodyPublishers.ofByteArray(piece)));
    }

    private static HttpResponse<String> upload(String name, byte[] file) {
        return send(begin(file.length, "filename " + base64(name)), 0, file);
    }

    private static Path models() {
        return folder.resolve("models");
    }

    @Test
    void aBrokenUploadGoesOnWhereItEnded() throws Exception {
        byte[] file = model(1);
        String sha256 =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(file));
        String upload =
                begin(file.length, "filename %s,sha256 %s".formatted(base64("first.safetensors"), base64(sha256)));
        assertThat(send(upload, 0, Arrays.copyOf(file, 500)).statusCode()).isEqualTo(204);
        assertThat(models().resolve("first.safetensors")).doesNotExist();

        HttpResponse<String> head = server.send(tus(upload).method("HEAD", BodyPublishers.noBody()));
        assertThat(head.headers().firstValue("Upload-Offset")).hasValue("500");
        assertThat(send(upload, 100, new byte[1]).statusCode()).isEqualTo(409);

        HttpResponse<String> last = send(upload, 500, Arrays.copyOfRange(file, 500, file.length));
        assertThat(last.statusCode()).as(last.body()).isEqualTo(204);
        assertThat(last.headers().firstValue("Upload-Model")).hasValue("first.safetensors");
        assertThat(models().resolve("first.safetensors")).hasBinaryContent(file);
        assertThat(server.get("/sdapi/v1/sd-models").body()).contains("first.safetensors");
        assertThat(server.send(tus(upload).method("HEAD", BodyPublishers.noBody()))
                        .statusCode())
                .isEqualTo(404);
    }

    @Test
    void anEmbeddingLiesWherePromptsFindIt() {
        byte[] header = "{\"emb_params\":{\"dtype\":\"F32\",\"shape\":[1,768],\"data_offsets\":[0,3072]}}  "
                .getBytes(StandardCharsets.US_ASCII);
        byte[] file = new byte[8 + header.length + 3072];
        file[0] = (byte) header.length;
        System.arraycopy(header, 0, file, 8, header.length);
        HttpResponse<String> sent = upload("face.pt", file);
        assertThat(sent.headers().firstValue("Upload-Model")).hasValue("embeddings/face.pt");
        assertThat(models().resolve("embeddings/face.pt")).hasBinaryContent(file);
    }

    @Test
    void aFileWithoutAByteIsRefused() {
        assertThat(create(0, "filename " + base64("empty.safetensors")).statusCode())
                .isEqualTo(422);
    }

    @Test
    void whatIsThereIsNotOverwritten() {
        assertThat(upload("twice.safetensors", model(2)).statusCode()).isEqualTo(204);
        assertThat(create(10, "filename " + base64("twice.safetensors")).statusCode())
                .isEqualTo(409);
        assertThat(models().resolve("twice.safetensors")).hasBinaryContent(model(2));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil.safetensors",
                "/etc/evil.safetensors",
                "a/../../evil.safetensors",
                "a\\evil.safetensors",
                ".evil.safetensors",
                "evil.safetensors\r\nSet-Cookie: a=b",
                "evil.sh",
                "evil.safetensors\u0000.sh",
                ""
            })
    void namesThatAreNoneAreRefused(String name) {
        assertThat(create(10, "filename " + base64(name)).statusCode()).isEqualTo(422);
    }

    @Test
    void filesThatAreNoModelsAreRefused() throws Exception {
        byte[] evil = pickle("cposix\nsystem\n(S'touch /tmp/evil'\ntR.");
        assertThat(upload("evil.ckpt", evil).statusCode()).isEqualTo(422);
        assertThat(upload("bomb.ckpt", bomb()).statusCode()).isEqualTo(422);
        assertThat(upload("text.safetensors", "no model at all".getBytes(StandardCharsets.UTF_8))
                        .statusCode())
                .isEqualTo(422);
        byte[] cut = Arrays.copyOf(model(3), 500);
        HttpResponse<String> refused = upload("cut.safetensors", cut);
        assertThat(refused.statusCode()).isEqualTo(422);
        assertThat(json(refused).get("error").stringValue()).startsWith("the file is no model: ");
        String wrong = begin(
                cut.length, "filename %s,sha256 %s".formatted(base64("hash.safetensors"), base64("0".repeat(64))));
        assertThat(send(wrong, 0, cut).statusCode()).isEqualTo(422);
        try (var left = Files.list(models())) {
            assertThat(left.map(path -> path.getFileName().toString()))
                    .doesNotContain(
                            "evil.ckpt", "bomb.ckpt", "text.safetensors", "cut.safetensors", "hash.safetensors");
        }
        try (var left = Files.list(models().resolve(".incoming"))) {
            assertThat(left).isEmpty();
        }
    }

    private static byte[] pickle(String text) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.setMethod(ZipOutputStream.DEFLATED);
            zip.putNextEntry(new ZipEntry("archive/data.pkl"));
            zip.write(text.getBytes(StandardCharsets.ISO_8859_1));
        }
        return bytes.toByteArray();
    }

    /** A pickle of 2 GB in a file of 2 MB. */
    private static byte[] bomb() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.putNextEntry(new ZipEntry("archive/data.pkl"));
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 256; i++) {
                zip.write(zeros);
            }
        }
        return bytes.toByteArray();
    }

    @Test
    void moreThanAnnouncedIsRefused() {
        String upload = begin(10, "filename " + base64("long.safetensors"));
        assertThat(send(upload, 0, new byte[11]).statusCode()).isEqualTo(413);
        assertThat(create(1L << 50, "filename " + base64("huge.safetensors")).statusCode())
                .isEqualTo(413);
        assertThat(server.send(tus(upload).DELETE()).statusCode()).isEqualTo(204);
    }

    @Test
    void privateModelsAreSeenByTheirKeyOnly() {
        String alice;
        String bob;
        try (Database database = Database.sqlite(folder.resolve("data/atelier.db"))) {
            ApiKeys keys = new ApiKeys(database);
            alice = keys.create("alice", null, Limits.NONE).secret();
            bob = keys.create("bob", null, Limits.NONE).secret();
            byte[] file = model(4);
            HttpResponse<String> created = server.send(tus("/api/v1/uploads")
                    .header("Authorization", "Bearer " + alice)
                    .header("Upload-Length", Integer.toString(file.length))
                    .header(
                            "Upload-Metadata",
                            "filename %s,private %s".formatted(base64("mine.safetensors"), base64("true")))
                    .POST(BodyPublishers.noBody()));
            String upload = created.headers().firstValue("Location").orElseThrow();
            assertThat(send(upload, 0, file).statusCode()).as("without the key").isEqualTo(404);
            HttpResponse<String> sent = server.send(tus(upload)
                    .header("Authorization", "Bearer " + alice)
                    .header("Upload-Offset", "0")
                    .header("Content-Type", "application/offset+octet-stream")
                    .method("PATCH", BodyPublishers.ofByteArray(file)));
            assertThat(sent.statusCode()).as(sent.body()).isEqualTo(204);
            assertThat(models(alice)).contains("mine.safetensors");
            assertThat(models(bob)).doesNotContain("mine.safetensors");
            assertThat(draw(alice).body()).doesNotContain("there is no model");
            assertThat(draw(bob).body()).contains("there is no model");
        } finally {
            revokeAll();
        }
    }

    private static void revokeAll() {
        try (Database database = Database.sqlite(folder.resolve("data/atelier.db"))) {
            ApiKeys keys = new ApiKeys(database);
            keys.list().forEach(key -> keys.revoke(key.id()));
        }
    }

    private static String models(String key) {
        return server.send(server.request("/v3/model").header("Authorization", "Bearer " + key))
                .body();
    }

    private static HttpResponse<String> draw(String key) {
        return server.send(server.request("/v3/async/txt2img")
                .header("Authorization", "Bearer " + key)
                .POST(BodyPublishers.ofString("""
                        {"request": {"model_name": "mine", "prompt": "x", "width": 128, "height": 128, "steps": 1,
                          "image_num": 1, "sampler_name": "Euler"}, "extra": {"webhook": {"test_mode":
                          {"enabled": true, "return_task_status": "TASK_STATUS_SUCCEED"}}}}
                        """)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://localhost/a.safetensors",
                "https://169.254.169.254/a.safetensors",
                "https://example.org/a.safetensors",
                "file:///etc/passwd",
                "not an address"
            })
    void nothingIsFetchedUnlessItsHostIsAllowed(String url) {
        HttpResponse<String> response = server.post("/api/v1/imports", "{\"url\": \"%s\"}".formatted(url));
        assertThat(response.statusCode()).isEqualTo(422);
        assertThat(json(response).get("error").stringValue()).startsWith("url: ");
    }
}
