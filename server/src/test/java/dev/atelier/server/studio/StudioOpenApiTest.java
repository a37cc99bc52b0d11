package dev.atelier.server.studio;

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
class StudioOpenApiTest {
    @TempDir
    static Path folder;

    private static TestServer server;
    private static JsonNode document;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, null);
        document = json(server.get("/openapi/atelier.json"));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void everyDocumentedRouteIsThere() {
        assertThat(document.get("paths").properties()).hasSizeGreaterThan(20);
        document.get("paths").properties().forEach(path -> {
            // that one does not end
            if (!path.getKey().endsWith("/events")) {
                path.getValue().propertyNames().forEach(method -> {
                    HttpResponse<String> response =
                            server.send(server.request(path.getKey().replaceAll("\\{[a-z]+}", "0"))
                                    .method(method.toUpperCase(Locale.ROOT), BodyPublishers.ofString("{}")));
                    assertThat(response.statusCode())
                            .as(method + " " + path.getKey())
                            .isNotEqualTo(405)
                            .isLessThan(500);
                    assertThat(response.body()).as(method + " " + path.getKey()).doesNotContain("\"Not Found\"");
                });
            }
        });
    }

    @Test
    void answersHaveTheDocumentedFields() {
        conforms(json(server.get("/api/v1/models")), "Models");
        conforms(json(server.post("/api/v1/models/check", "{}")), "Check");
        JsonNode submitted = json(server.post("/api/v1/pictures", "{\"width\": 64, \"height\": 64, \"steps\": 1}"));
        conforms(submitted, "Submitted");
        conforms(json(server.get("/api/v1/jobs/" + submitted.get("job").stringValue())), "Job");
        conforms(json(server.get("/api/v1/jobs/none")), "Error");
    }

    private static void conforms(JsonNode value, String schema) {
        new Schema(document).conforms(value, schema);
    }
}
