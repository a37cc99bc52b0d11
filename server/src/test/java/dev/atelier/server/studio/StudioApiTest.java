package dev.atelier.server.studio;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.TestServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Our own API as the web page uses it, with the model that is part of Atelier. */
class StudioApiTest {
    private static final String SMALL = """
            {"prompt": "a red circle", "width": 64, "height": 64, "steps": 2, "sampler": "Euler a", "seed": 7%s}
            """;

    @TempDir
    static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        Files.createDirectories(folder.resolve("models"));
        server = TestServer.start(folder, null);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void aPictureThatIsNoneIsRefused() {
        byte[] png = new byte[100];
        System.arraycopy(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, 0, png, 0, 8);
        HttpResponse<String> answer =
                server.send(server.request("/api/v1/infotext").POST(BodyPublishers.ofByteArray(png)));
        assertThat(answer.statusCode()).isEqualTo(422);
        assertThat(answer.body()).contains("the picture cannot be read");
    }

    @Test
    void drawsAndTellsOfItAsItHappens() throws Exception {
        var stream =
                HttpClient.newHttpClient().send(server.request("/api/v1/events").build(), BodyHandlers.ofInputStream());
        try (BufferedReader events = new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8))) {
            assertThat(stream.headers().firstValue("Content-Type").orElseThrow())
                    .startsWith("text/event-stream");
            String id = submit("");

            JsonNode last;
            do {
                last = nextOf(id, events);
            } while (!last.get("state").stringValue().equals("succeeded"));
            JsonNode image = last.at("/images/0");
            assertThat(image.get("seed").longValue()).isEqualTo(7);

            HttpResponse<byte[]> png = HttpClient.newHttpClient()
                    .send(server.request(image.get("url").stringValue()).build(), BodyHandlers.ofByteArray());
            assertThat(png.headers().firstValue("Content-Type")).hasValue("image/png");
            JsonNode read =
                    json(server.send(server.request("/api/v1/infotext").POST(BodyPublishers.ofByteArray(png.body()))));
            assertThat(read.at("/settings/prompt").stringValue()).isEqualTo("a red circle");
            assertThat(read.at("/settings/sampler").stringValue()).isEqualTo("Euler a");
            assertThat(read.at("/settings/model").stringValue()).startsWith("shapes-");
        }
    }

    private static JsonNode nextOf(String job, BufferedReader events) throws IOException {
        String line = "";
        while (!(line.startsWith("data: ") && line.contains(job))) {
            line = events.readLine();
        }
        return dev.atelier.server.db.Json.MAPPER.readTree(line.substring("data: ".length()));
    }

    private static String submit(String more) {
        HttpResponse<String> answer = server.post("/api/v1/pictures", SMALL.formatted(more));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        return json(answer).get("job").stringValue();
    }

    private static JsonNode finished(String job) throws InterruptedException {
        while (true) {
            JsonNode view = json(server.get("/api/v1/jobs/" + job));
            if (view.get("finishedAt").isString()) {
                return view;
            }
            Thread.sleep(50);
        }
    }

    @Test
    void inpaintsAndDrawsAgainByRetry() throws Exception {
        String job = submit("");
        String url = finished(job).at("/images/0/url").stringValue();
        byte[] png = HttpClient.newHttpClient()
                .send(server.request(url).build(), BodyHandlers.ofByteArray())
                .body();
        String image = "data:image/png;base64," + Base64.getEncoder().encodeToString(png);

        JsonNode inpainted = finished(submit("""
                , "start": {"image": "%s", "denoisingStrength": 0.6, "resizeMode": "Just resize",
                  "mask": {"image": "%s", "content": "latent noise", "blur": 2, "padding": 8}}
                """.formatted(image, image)));
        assertThat(inpainted.at("/images/0/infotext").stringValue())
                .contains("Denoising strength: 0.6", "Masked area padding: 8", "Masked content: latent noise");

        String again = json(server.post("/api/v1/jobs/%s/retry".formatted(job), "{}"))
                .get("job")
                .stringValue();
        assertThat(finished(again).at("/images/0/infotext"))
                .isEqualTo(finished(job).at("/images/0/infotext"));
    }

    @Test
    void aMistakeIsToldBeforeAnythingIsQueued() {
        HttpResponse<String> unknown = server.post("/api/v1/pictures", "{\"promt\": \"x\"}");
        assertThat(unknown.statusCode()).isEqualTo(422);
        assertThat(json(unknown).get("error").stringValue()).contains("\"promt\"", "negativePrompt");

        HttpResponse<String> steps = server.post("/api/v1/pictures", "{\"steps\": 0}");
        assertThat(steps.statusCode()).isEqualTo(422);
        assertThat(json(steps).get("error").stringValue()).contains("steps");

        HttpResponse<String> text = server.post("/api/v1/pictures", "{\"hires\": {\"steps\": \"many\"}}");
        assertThat(json(text).get("error").stringValue()).isEqualTo("hires.steps must be a whole number");

        HttpResponse<String> model = server.post("/api/v1/pictures", "{\"model\": \"shapes + nothing\"}");
        assertThat(model.statusCode()).isEqualTo(422);
        assertThat(json(model).get("position").intValue()).isNotNegative();

        HttpResponse<String> picture = server.post("/api/v1/pictures", "{\"start\": {\"image\": \"AAAA\"}}");
        assertThat(picture.statusCode()).isEqualTo(422);

        assertThat(server.post("/api/v1/pictures", "{").statusCode()).isEqualTo(400);
        assertThat(json(server.get("/api/v1/jobs?kind=dance")).get("error").stringValue())
                .contains("generate");
        assertThat(server.get("/api/v1/jobs/none").statusCode()).isEqualTo(404);
        assertThat(server.get("/api/v1/jobs/none/images/0").statusCode()).isEqualTo(404);
    }

    @Test
    void theCatalogKnowsTheBuiltInModel() {
        JsonNode models =
                json(server.get("/api/v1/models?kind=checkpoint&q=shapes")).get("models");
        assertThat(models).hasSize(1);
        String name = models.get(0).get("name").stringValue();
        JsonNode check =
                json(server.post("/api/v1/models/check", "{\"model\": \"0.5*%s + 0.5*%s\"}".formatted(name, name)));
        assertThat(check.get("nativeSize").intValue()).isEqualTo(128);
        assertThat(check.get("name").isNull()).isTrue();
    }

    @Test
    void thePageIsServedWithoutRoomForForeignScripts() {
        HttpResponse<String> page = server.get("/");
        assertThat(page.body()).contains("<title>Atelier</title>").doesNotContain("<script>", "style=", "onclick");
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
                .doesNotContain("unsafe");
        String tag = page.headers().firstValue("ETag").orElseThrow();
        assertThat(server.send(server.request("/").header("If-None-Match", tag)).statusCode())
                .isEqualTo(304);
        for (String missing :
                new String[] {"nothing.js", "..%2fdb%2fV1__jobs.sql", "%2e%2e%2flogback.xml", "INDEX.html"}) {
            assertThat(server.get("/studio/" + missing).statusCode())
                    .as(missing)
                    .isBetween(400, 404);
        }
    }

    @Test
    void otherPagesMayNotCall() {
        assertThat(server.send(server.request("/api/v1/pictures")
                                .header("Origin", "https://evil.example")
                                .POST(BodyPublishers.ofString("{}")))
                        .statusCode())
                .isEqualTo(403);
    }
}
