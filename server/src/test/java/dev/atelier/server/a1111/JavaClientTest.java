package dev.atelier.server.a1111;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.diffusion.ImageFile;
import dev.atelier.server.TestServer;
import dev.atelier.server.db.Json;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** sdwebui-java-sdk, which no repository serves: its requests to the byte, and what it reads of the answers, which is little and no more. */
class JavaClientTest {
    @TempDir
    static Path folder;

    private static TestServer server;
    private static JsonNode recorded;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start(folder, null);
        recorded = Json.MAPPER.readTree(Files.readString(Path.of("src/test/resources/a1111/sdwebui-java-sdk.json")));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static JsonNode drawn(String route, JsonNode body) throws IOException {
        HttpResponse<String> response = server.send(server.request("/sdapi/v1/" + route)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body.toString(), StandardCharsets.ISO_8859_1)));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode answer = json(response);
        assertThat(answer.propertyNames()).containsExactly("images", "parameters", "info");
        assertThat(answer.get("info").isString()).isTrue();
        byte[] image = Base64.getDecoder().decode(answer.at("/images/0").stringValue());
        assertThat(ImageFile.read(image).getWidth()).isEqualTo(128);
        return answer;
    }

    @Test
    void itDrawsAndDrawsOver() throws IOException {
        JsonNode first = drawn("txt2img", recorded.get("txt2img"));
        assertThat(first.at("/parameters/hr_upscaler").stringValue()).isEqualTo("Latent"); // a constant of its enum

        ObjectNode request = (ObjectNode) recorded.get("img2img").deepCopy();
        request.putArray("init_images").add(first.at("/images/0").stringValue());
        JsonNode parameters = drawn("img2img", request).get("parameters");
        List<String> known = recorded.get("img2imgParameters")
                .valueStream()
                .map(JsonNode::stringValue)
                .toList();
        assertThat(known).containsAll(parameters.propertyNames());
    }

    @Test
    void itReadsLists() {
        assertThat(json(server.get("/sdapi/v1/sd-models")).get(0).propertyNames())
                .containsExactly("title", "model_name", "hash", "sha256", "filename", "config");
        assertThat(json(server.get("/sdapi/v1/face-restorers"))).isEmpty();
        assertThat(json(server.get("/internal/sysinfo")).propertyNames()).contains("Platform", "Python", "Version");
    }
}
