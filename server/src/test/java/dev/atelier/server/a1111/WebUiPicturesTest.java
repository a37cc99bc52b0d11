package dev.atelier.server.a1111;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.diffusion.ImageFile;
import dev.atelier.server.TestServer;
import dev.atelier.server.db.Json;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The same requests give the pictures that AUTOMATIC1111's web UI draws, all the way from the prompt to the pixels. */
class WebUiPicturesTest {
    @TempDir
    static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, null); // with the built-in model
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    static Stream<String> requests() throws IOException {
        return Json.MAPPER.readTree(stored("requests.json")).propertyNames().stream();
    }

    @ParameterizedTest
    @MethodSource("requests")
    void isDrawnAlike(String name) throws IOException {
        ObjectNode request =
                (ObjectNode) Json.MAPPER.readTree(stored("requests.json")).get(name);
        if (request.has("init_images")) {
            ArrayNode images = (ArrayNode) request.get("init_images");
            images.set(0, encoded(images.get(0).stringValue()));
        }
        if (request.has("mask")) {
            request.put("mask", encoded(request.get("mask").stringValue()));
        }
        String path = request.has("init_images") ? "/sdapi/v1/img2img" : "/sdapi/v1/txt2img";
        JsonNode images = json(server.post(path, request.toString())).get("images");
        BufferedImage drawn =
                ImageFile.read(Base64.getDecoder().decode(images.get(0).stringValue()));
        String file = name.replace(":", "").replace(' ', '-') + "-0.png";
        assertThat(levelsBetween(drawn, ImageFile.read(stored(file)))).isLessThanOrEqualTo(1);
    }

    private static String encoded(String file) throws IOException {
        return Base64.getEncoder().encodeToString(stored(file));
    }

    private static byte[] stored(String file) throws IOException {
        try (InputStream stored =
                Objects.requireNonNull(WebUiPicturesTest.class.getResourceAsStream("webui/" + file), file)) {
            return stored.readAllBytes();
        }
    }

    /** The largest difference of a red, green or blue level. */
    private static int levelsBetween(BufferedImage a, BufferedImage b) {
        assertThat(a.getWidth()).isEqualTo(b.getWidth());
        assertThat(a.getHeight()).isEqualTo(b.getHeight());
        int most = 0;
        for (int y = 0; y < a.getHeight(); y++) {
            for (int x = 0; x < a.getWidth(); x++) {
                for (int shift = 0; shift <= 16; shift += 8) {
                    int difference = (a.getRGB(x, y) >> shift & 0xFF) - (b.getRGB(x, y) >> shift & 0xFF);
                    most = Math.max(most, Math.abs(difference));
                }
            }
        }
        return most;
    }
}
