package dev.atelier.server.studio;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.TestServer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Training over HTTP: two steps of the model that is part of Atelier. */
class TrainRoutesTest {
    private static final String REQUEST = """
            {"method": "%s", "name": "%s", "instancePrompt": "a grey square", "steps": 2, "rank": 2, "resolution": 64,
             "pictures": [{"image": "%s"}, {"image": "%s", "caption": "another"}]}
            """;

    @TempDir
    static Path folder;

    private static TestServer server;
    private static String picture;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start(folder, null);
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB), "png", png);
        picture = Base64.getEncoder().encodeToString(png.toByteArray());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void aLoraIsTrainedAndTellsItsLosses() throws InterruptedException {
        HttpResponse<String> submitted =
                server.post("/api/v1/trainings", REQUEST.formatted("lora", "grey", picture, picture));
        assertThat(submitted.statusCode()).as(submitted.body()).isEqualTo(202);
        String job = "/api/v1/jobs/" + json(submitted).get("job").stringValue();
        JsonNode view;
        do {
            Thread.sleep(100);
            view = json(server.get(job));
        } while (!view.get("finishedAt").isString());
        assertThat(view.get("state").stringValue()).as(view.toString()).isEqualTo("succeeded");
        assertThat(folder.resolve("models/grey.safetensors")).exists();
        assertThat(folder.resolve("data/training")).isEmptyDirectory();

        JsonNode report = json(server.get(job + "/training"));
        assertThat(report.get("losses")).hasSize(2);
        assertThat(report.at("/losses/1/0").intValue()).isEqualTo(2);
        assertThat(report.at("/losses/1/1").doubleValue()).isPositive();
        JsonNode lora =
                json(server.get("/api/v1/models/" + view.at("/result/model").longValue()));
        assertThat(lora.get("kind").stringValue()).isEqualTo("lora");
        assertThat(lora.get("companion").stringValue()).startsWith("shapes-");
        assertThat(server.get(job + "/training/..%2freport.json").statusCode()).isBetween(400, 404);
        assertThat(server.post("/api/v1/trainings", REQUEST.formatted("lora", "grey", picture, picture))
                        .statusCode())
                .isEqualTo(409);
    }

    @Test
    void aCancelledTrainingLeavesNothing() throws InterruptedException {
        String id = json(server.post(
                        "/api/v1/trainings",
                        REQUEST.formatted("lora", "never", picture, picture)
                                .replace("\"steps\": 2", "\"steps\": 100000")))
                .get("job")
                .stringValue();
        String job = "/api/v1/jobs/" + id;
        JsonNode view;
        do {
            Thread.sleep(100);
            view = json(server.get(job));
            assertThat(view.get("error").isNull()).as(view.toString()).isTrue();
        } while (!view.at("/progress/phase").asString("").equals("training"));
        assertThat(folder.resolve("data/training").resolve(id)).exists();
        server.post(job + "/cancel", "");
        // the stream of one job's events ends with the job
        String events = server.get(job + "/events").body();
        assertThat(events).startsWith("event: job\ndata: {").contains("\"state\":\"cancelled\"");
        assertThat(folder.resolve("data/training").resolve(id)).doesNotExist();
        assertThat(folder.resolve("models/never.safetensors")).doesNotExist();
    }

    @Test
    void mistakesAreTold() throws IOException {
        assertThat(error("{\"name\": \"x\"}")).contains("1 to 100");
        assertThat(error(REQUEST.formatted("magic", "x", picture, picture))).contains("lora or dreambooth");
        assertThat(error(REQUEST.formatted("lora", "../x", picture, picture))).contains("name");
        assertThat(error(REQUEST.formatted("lora", "x", picture, "AAAA"))).contains("picture");
        assertThat(Files.exists(folder.resolve("x.safetensors"))).isFalse();
    }

    private static String error(String body) {
        HttpResponse<String> answer = server.post("/api/v1/trainings", body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(422);
        return json(answer).get("error").stringValue();
    }
}
