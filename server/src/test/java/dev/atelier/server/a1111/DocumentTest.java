package dev.atelier.server.a1111;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.Schema;
import dev.atelier.server.TestServer;
import dev.atelier.server.db.Json;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** That the documents say what the server does. */
class DocumentTest {
    private static final String SMALL = "{\"steps\": 1, \"width\": 64, \"height\": 64}";

    @TempDir
    static Path folder;

    private static TestServer server;
    private static JsonNode document;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, null);
        document = json(server.get("/openapi/a1111.json"));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void everyRouteOfTheServerStandsInADocument() {
        List<String> documented = Stream.of("a1111", "atelier", "novita")
                .map(name -> json(server.get("/openapi/" + name + ".json")).get("paths"))
                .flatMap(paths -> paths.properties().stream())
                .flatMap(path -> path.getValue().propertyNames().stream()
                        .map(method -> method.toUpperCase(Locale.ROOT) + " " + path.getKey()))
                .toList();
        assertThat(documented).doesNotHaveDuplicates();
        assertThat(server.routes().stream()
                        .map(route -> route.replaceAll("<(\\w+)>", "{$1}"))
                        .filter(route -> !route.matches("GET (/|/studio/.*|/openapi.*\\.json)|OPTIONS .*")))
                .isSubsetOf(documented);
    }

    @Test
    void itIsWhereAutomatic1111HasItsOwn() {
        assertThat(json(server.get("/openapi.json"))).isEqualTo(document);
    }

    @Test
    void fieldsHaveTheirDefaults() {
        JsonNode fields =
                document.at("/paths/~1sdapi~1v1~1txt2img/post/requestBody/content/application~1json/schema/properties");
        assertThat(fields.at("/steps").toString())
                .isEqualTo("{\"type\":[\"integer\",\"null\"],\"default\":50,\"minimum\":1.0,\"maximum\":1000.0}");
        assertThat(fields.at("/restore_faces/description").stringValue()).startsWith("ignored: ");
    }

    @Test
    void whatIsAskedForIsAnsweredAsDocumented() {
        document.get("paths").properties().forEach(path -> {
            JsonNode get = path.getValue().get("get");
            if (get != null) {
                HttpResponse<String> response = server.get(path.getKey());
                assertThat(response.statusCode()).as(path.getKey()).isEqualTo(200);
                conforms(response, get);
            }
        });
    }

    @Test
    void whatIsSentIsAnsweredAsDocumented() {
        HttpResponse<String> drawn = server.post("/sdapi/v1/txt2img", SMALL);
        conforms(drawn, "txt2img");
        String picture = json(drawn).at("/images/0").stringValue();
        ObjectNode from = (ObjectNode) Json.MAPPER.readTree(SMALL);
        from.putArray("init_images").add(picture);
        conforms(server.post("/sdapi/v1/img2img", from.toString()), "img2img");
        ObjectNode image = Json.MAPPER.createObjectNode().put("image", picture);
        conforms(server.post("/sdapi/v1/extra-single-image", image.toString()), "extra-single-image");
        conforms(server.post("/sdapi/v1/png-info", image.toString()), "png-info");
        ObjectNode batch = Json.MAPPER.createObjectNode();
        batch.putArray("imageList").addObject().put("name", "a").put("data", picture);
        conforms(server.post("/sdapi/v1/extra-batch-images", batch.toString()), "extra-batch-images");
        conforms(server.post("/sdapi/v1/options", "{}"), "options");
        for (String bare : List.of("interrupt", "skip", "refresh-loras", "unload-checkpoint", "reload-checkpoint")) {
            conforms(server.post("/sdapi/v1/" + bare, ""), bare);
        }
        new Schema(document).conforms(json(server.post("/internal/progress", "{}")), "TaskProgress");

        HttpResponse<String> silent = server.post("/sdapi/v1/interrogate", image.toString());
        assertThat(silent.statusCode()).isEqualTo(501);
        new Schema(document).conforms(json(silent), "Problem");
        new Schema(document).conforms(json(server.post("/sdapi/v1/png-info", "{}")), "Invalid");
        new Schema(document).conforms(json(server.post("/sdapi/v1/txt2img", "{\"steps\": 100000}")), "Invalid");
        new Schema(document).conforms(json(server.get("/sdapi/v1/nothing")), "Problem");
    }

    private static void conforms(HttpResponse<String> response, String route) {
        conforms(response, document.get("paths").get("/sdapi/v1/" + route).get("post"));
    }

    private static void conforms(HttpResponse<String> response, JsonNode operation) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        String schema = operation
                .at("/responses/200/content/application~1json/schema/$ref")
                .stringValue();
        new Schema(document).conforms(json(response), schema.substring(schema.lastIndexOf('/') + 1));
    }
}
