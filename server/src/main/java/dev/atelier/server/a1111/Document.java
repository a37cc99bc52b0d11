package dev.atelier.server.a1111;

import dev.atelier.server.db.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The OpenAPI document of these routes: made of the routes themselves, and of the answers' schemas in a file. */
final class Document {
    private static final String ANSWERS = "/openapi/a1111-answers.json";

    private Document() {}

    static ObjectNode of(List<Route> routes) {
        ObjectNode document = Json.MAPPER.createObjectNode().put("openapi", "3.1.0");
        document.putObject("info")
                .put("title", "Atelier: AUTOMATIC1111's API")
                .put("version", "1.10")
                .put(
                        "description",
                        "The API of AUTOMATIC1111's web UI, as an Atelier server speaks it. Null is as good as absent, texts may"
                                + " stand for numbers, and fields that are not listed are ignored.");
        document.putArray("security").addObject();
        document.withArray("security").addObject().putArray("basic");
        ObjectNode paths = document.putObject("paths");
        routes.forEach(route -> paths.withObjectProperty(route.path())
                .set(route.method().name().toLowerCase(Locale.ROOT), operation(route)));
        ObjectNode components = document.putObject("components");
        components
                .putObject("securitySchemes")
                .putObject("basic")
                .put("type", "http")
                .put("scheme", "basic");
        components.set("schemas", answers());
        return document;
    }

    private static ObjectNode operation(Route route) {
        ObjectNode operation = Json.MAPPER.createObjectNode().put("summary", route.summary());
        if (route.path().equals("/sdapi/v1/progress")) {
            operation
                    .putArray("parameters")
                    .addObject()
                    .put("name", "skip_current_image")
                    .put("in", "query")
                    .putObject("schema")
                    .put("type", "boolean")
                    .put("default", false);
        }
        if (route.body() != null) {
            content(operation.putObject("requestBody").put("required", true))
                    .set("schema", route.body().schema());
        }
        ObjectNode responses = operation.putObject("responses");
        answer(responses.putObject("200"), "Done.", route.answer());
        if (route.body() != null) {
            answer(responses.putObject("422"), "Fields that do not fit.", "Invalid");
        }
        answer(responses.putObject("default"), "Not done.", "Problem");
        return operation;
    }

    private static void answer(ObjectNode response, String description, String schema) {
        content(response.put("description", description))
                .putObject("schema")
                .put("$ref", "#/components/schemas/" + schema);
    }

    private static ObjectNode content(ObjectNode of) {
        return of.putObject("content").putObject("application/json");
    }

    private static JsonNode answers() {
        try (InputStream in = Objects.requireNonNull(Document.class.getResourceAsStream(ANSWERS))) {
            return Json.MAPPER.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
