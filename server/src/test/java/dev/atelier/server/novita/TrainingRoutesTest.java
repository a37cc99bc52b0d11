package dev.atelier.server.novita;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.TestServer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class TrainingRoutesTest {
    @TempDir
    static Path folder;

    private static TestServer server;
    private static String model;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, null);
        model = json(server.get("/v3/model")).at("/models/0/sd_name").stringValue();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static HttpResponse<String> put(String url, byte[] bytes) {
        return server.send(
                server.request(url.substring(url.indexOf("/files/"))).PUT(BodyPublishers.ofByteArray(bytes)));
    }

    private static JsonNode slot() {
        return json(server.post("/v3/assets/training_dataset", "{\"file_extension\": \"jpeg\"}"));
    }

    private static byte[] jpeg() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(96, 64, BufferedImage.TYPE_INT_RGB), "jpeg", bytes);
        return bytes.toByteArray();
    }

    private static HttpResponse<String> train(String asset) {
        return server.post("/v3/training/subject", """
                {"name": "my cat", "base_model": "%s", "width": 64, "height": 64, "components": null,
                 "image_dataset_items": [{"assets_id": "%s"}],
                 "expert_setting": {"instance_prompt": "photo of ohwx cat", "class_prompt": "cat", "max_train_steps": "1",
                  "learning_rate": "1e-4", "seed": null, "lora_r": 4, "with_prior_preservation": null}}
                """.formatted(model, asset));
    }

    @Test
    void trainsALoraThatCanBeDrawnWith() throws Exception {
        JsonNode slot = slot();
        assertThat(slot.get("method").stringValue()).isEqualTo("PUT");
        String asset = slot.get("assets_id").stringValue();
        assertThat(train(asset).body()).contains("no picture was sent");
        String url = slot.get("upload_url").stringValue();
        assertThat(put(url, new byte[100]).statusCode()).isEqualTo(422);
        assertThat(put(url, jpeg()).statusCode()).isEqualTo(200);

        String id = json(train(asset)).get("task_id").stringValue();
        JsonNode training;
        do {
            Thread.sleep(200);
            training = json(server.get("/v3/training/style?task_id=" + id));
        } while (training.get("task_status").stringValue().matches("QUEUING|TRAINING"));
        assertThat(training.get("task_status").stringValue())
                .as(training.toString())
                .isEqualTo("SUCCESS");
        String lora = training.at("/models/0/model_name").stringValue();
        assertThat(lora).matches("my_cat-[0-9a-f]{10}\\.safetensors");

        JsonNode listed = json(server.get("/v3/training?pagination.limit=1")).at("/tasks/0");
        assertThat(listed.get("task_id").stringValue()).isEqualTo(id);
        assertThat(listed.get("task_name").stringValue()).isEqualTo("my_cat");

        HttpResponse<String> drawn = server.post("/v3/async/txt2img", """
                {"request": {"model_name": "%s", "prompt": "a cat", "width": 128, "height": 128, "steps": 1, "image_num": 1,
                 "sampler_name": "Euler", "loras": [{"model_name": "%s", "strength": 0.7}]}}
                """.formatted(model, lora));
        assertThat(drawn.statusCode()).as(drawn.body()).isEqualTo(200);
    }

    @Test
    void onlySlotsCanBeWritten() throws Exception {
        String id = json(server.post("/v3/async/txt2img", """
                {"request": {"model_name": "%s", "prompt": "a cat", "width": 128, "height": 128, "steps": 1, "image_num": 1,
                 "sampler_name": "Euler"}}
                """.formatted(model)))
                .get("task_id")
                .stringValue();
        JsonNode result;
        do {
            Thread.sleep(100);
            result = json(server.get("/v3/async/task-result?task_id=" + id));
        } while (result.at("/images/0").isMissingNode());
        assertThat(put(result.at("/images/0/image_url").stringValue(), jpeg()).statusCode())
                .isEqualTo(403);
        String url = slot().get("upload_url").stringValue();
        assertThat(put(url.substring(0, url.length() - 1) + "x", jpeg()).statusCode())
                .isEqualTo(404);
    }
}
