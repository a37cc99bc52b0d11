package dev.atelier.server.novita;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.Schema;
import dev.atelier.server.TestServer;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** That the document says what the server does. */
class OpenApiTest {
    private static final String REQUEST = """
            {"extra":{"webhook":{"test_mode":{"enabled":true,"return_task_status":"TASK_STATUS_SUCCEED"}}},
             "request":{"model_name":"%s","prompt":"x","width":128,"height":128,"steps":1,"sampler_name":"Euler"}}
            """;

    @TempDir
    static Path folder;

    private static TestServer server;
    private static JsonNode document;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, null);
        document = json(server.get("/openapi/novita.json"));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void everyDocumentedRouteIsThere() {
        assertThat(document.get("paths").properties()).hasSizeGreaterThan(10);
        document.get("paths")
                .properties()
                .forEach(path -> path.getValue().propertyNames().forEach(method -> {
                    HttpResponse<String> response =
                            server.send(server.request(path.getKey().replaceAll("[{}]", ""))
                                    .method(method.toUpperCase(Locale.ROOT), BodyPublishers.ofString("{}")));
                    assertThat(response.body())
                            .as(method + " " + path.getKey())
                            .doesNotContain("API_NOT_FOUND")
                            .doesNotContain("is not there");
                }));
    }

    @Test
    void answersHaveTheDocumentedFields() {
        JsonNode models = json(server.get("/v3/model"));
        conforms(models, "Models");
        String name = models.at("/models/0/sd_name").stringValue();
        JsonNode submitted = json(server.post("/v3/async/txt2img", REQUEST.formatted(name)));
        conforms(submitted, "Submitted");
        conforms(
                json(server.get("/v3/async/task-result?task_id="
                        + submitted.get("task_id").stringValue())),
                "TaskResult");
        conforms(json(server.get("/v3/user")), "User");
        conforms(json(server.get("/openapi/v1/billing/balance/detail")), "Balance");
        conforms(json(server.get("/v3/async/task-result")), "Problem");
        conforms(json(server.get("/v2/models")), "V2Models");
        JsonNode old = json(server.post("/v2/txt2img", "{\"prompt\":\"x\",\"steps\":1,\"width\":64,\"height\":64}"));
        conforms(old, "V2Submitted");
        conforms(
                json(server.get(
                        "/v2/progress?task_id=" + old.at("/data/task_id").stringValue())),
                "V2Progress");
    }

    private static void conforms(JsonNode value, String schema) {
        new Schema(document).conforms(value, schema);
    }
}
