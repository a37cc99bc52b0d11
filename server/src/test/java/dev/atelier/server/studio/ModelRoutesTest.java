package dev.atelier.server.studio;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.TestServer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The catalog over HTTP. */
class ModelRoutesTest {
    @TempDir
    static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        Path models = Files.createDirectories(folder.resolve("models/old"));
        Files.writeString(models.resolve("torn <b>.safetensors"), "not a model");
        server = TestServer.start(folder, null);
        server.post("/api/v1/models/scan", "");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static JsonNode only(String query) {
        JsonNode models = json(server.get("/api/v1/models?" + query)).get("models");
        assertThat(models).hasSize(1);
        return models.get(0);
    }

    @Test
    void tellsWhatAModelIsMadeOf() {
        long id = only("broken=false").get("id").longValue();
        JsonNode model = json(server.get("/api/v1/models/" + id));
        assertThat(model.get("nativeSize").intValue()).isEqualTo(128);
        assertThat(model.at("/metadata/modelspec.title").stringValue()).isEqualTo("Shapes");
        assertThat(model.get("parts").valueStream().map(part -> part.get("name").stringValue()))
                .containsExactly("text encoder", "UNet", "VAE");
        assertThat(json(server.post("/api/v1/models/%d/hash".formatted(id), ""))
                        .get("sha256")
                        .stringValue())
                .hasSize(64);
        JsonNode tensors = json(server.get("/api/v1/models/%d/tensors?q=time_embed.0.bias".formatted(id)));
        assertThat(tensors.get("total").intValue()).isEqualTo(1);
        assertThat(tensors.at("/tensors/0/shape")).hasSize(1);
    }

    @Test
    void aDamagedFileIsListedWithWhatIsWrong() {
        JsonNode broken = only("broken=true");
        assertThat(broken.get("name").stringValue()).isEqualTo("old/torn <b>.safetensors");
        assertThat(broken.get("problem").stringValue()).isNotBlank();
        assertThat(json(server.get("/api/v1/models/" + broken.get("id").longValue()))
                        .get("metadata"))
                .isEmpty();
    }

    @Test
    void aCoverIsPutBesideTheModel() throws IOException {
        JsonNode broken = only("broken=true");
        String cover = "/api/v1/models/%d/cover".formatted(broken.get("id").longValue());
        assertThat(server.get(cover).statusCode()).isEqualTo(404);
        assertThat(server.post(cover, "no picture").statusCode()).isEqualTo(422);

        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(600, 300, BufferedImage.TYPE_INT_RGB), "png", png);
        var set = server.send(server.request(cover).POST(BodyPublishers.ofByteArray(png.toByteArray())));
        assertThat(json(set).get("cover").isNumber()).isTrue();
        assertThat(ImageIO.read(folder.resolve("models/old/torn <b>.preview.png")
                                .toFile())
                        .getWidth())
                .isEqualTo(384);
        assertThat(server.get(cover).headers().firstValue("Content-Type")).hasValue("image/jpeg");
    }

    @Test
    void whatCannotBeAskedIsRefused() {
        for (String path :
                new String[] {"models/0", "models/x", "models/99999999999999999999", "models/1%2f..", "models/0/cover"
                }) {
            assertThat(server.get("/api/v1/" + path).statusCode()).as(path).isBetween(400, 404);
        }
        assertThat(server.get("/api/v1/models?limit=0").statusCode()).isEqualTo(422);
        assertThat(server.get("/api/v1/models?kind=car").statusCode()).isEqualTo(422);
        assertThat(server.get("/api/v1/models?cursor=%00").statusCode()).isIn(200, 422);
    }
}
