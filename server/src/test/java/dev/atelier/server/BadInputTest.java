package dev.atelier.server;

import static dev.atelier.server.TestServer.json;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.atelier.server.db.Json;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Every field of every request in the documents, in turn with values that make no sense: the answer has the API's own shape and
 * blames the request, and nothing is logged as the server's failure.
 */
class BadInputTest {
    private static final List<JsonNode> BAD = Stream.of(
                    "null",
                    "true",
                    "-1",
                    "0",
                    "1e308",
                    "-99999999999999999999",
                    "0.5",
                    "\"\"",
                    "\"\\u0000\\uffff<x>\"",
                    "[]",
                    "[null]",
                    "[[\"x\"], 3]",
                    "{}",
                    "{\"x\": {\"y\": [null]}}")
            .map(Json.MAPPER::readTree)
            .toList();
    private static final String PIXEL =
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    @TempDir
    static Path folder;

    private static TestServer server;
    private static String model;

    @BeforeAll
    static void start() {
        server = TestServer.full(folder);
        model = json(server.get("/sdapi/v1/sd-models")).at("/0/model_name").stringValue();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @CsvSource({"a1111, detail", "novita, message", "atelier, error"})
    void theRequestIsToBlame(String name, String said) {
        JsonNode document = json(server.get("/openapi/%s.json".formatted(name)));
        Logger log = (Logger) LoggerFactory.getLogger("dev.atelier.server.access");
        ListAppender<ILoggingEvent> events = new ListAppender<>();
        events.start();
        log.addAppender(events);
        SoftAssertions softly = new SoftAssertions();
        try {
            document.get("paths")
                    .properties()
                    .forEach(path -> path.getValue().properties().forEach(operation -> {
                        JsonNode schema = operation.getValue().at("/requestBody/content/application~1json/schema");
                        for (JsonNode body : bodies(document, schema)) {
                            events.list.clear();
                            HttpResponse<String> response =
                                    server.send(server.request(path.getKey().replaceAll("\\{[a-z]+}", "0"))
                                            .method(
                                                    operation.getKey().toUpperCase(Locale.ROOT),
                                                    BodyPublishers.ofString(body.toString())));
                            String sent = "%s %s: %s".formatted(path.getKey(), body, response.body());
                            softly.assertThat(events.list)
                                    .filteredOn(event -> event.getLevel() == Level.ERROR)
                                    .as(sent)
                                    .isEmpty();
                            if (response.statusCode() >= 400) {
                                softly.assertThat(json(response).has(said))
                                        .as(sent)
                                        .isTrue();
                            }
                        }
                    }));
        } finally {
            log.detachAppender(events);
        }
        softly.assertAll();
    }

    /** The body as the schema has it, with each of its fields replaced in turn, and what is no object at all. */
    private static List<JsonNode> bodies(JsonNode document, JsonNode schema) {
        if (schema.isMissingNode()) {
            return List.of();
        }
        List<JsonNode> bodies = new ArrayList<>(BAD);
        JsonNode whole = sample(document, "", schema);
        replaceEach(whole, replaced -> bodies.add(whole.deepCopy()));
        return bodies;
    }

    private static void replaceEach(JsonNode node, Consumer<JsonNode> changed) {
        if (!(node instanceof ObjectNode object)) {
            return;
        }
        for (String field : List.copyOf(object.propertyNames())) {
            JsonNode good = object.get(field);
            for (JsonNode bad : BAD) {
                object.set(field, bad);
                changed.accept(bad);
            }
            object.remove(field);
            changed.accept(good);
            object.set(field, good);
            replaceEach(good.isArray() ? good.path(0) : good, changed);
        }
    }

    private static JsonNode sample(JsonNode document, String name, JsonNode schema) {
        if (schema.has("$ref")) {
            return sample(
                    document, name, document.at(schema.get("$ref").stringValue().substring(1)));
        }
        JsonNode type = schema.path("type").isArray() ? schema.path("type").get(0) : schema.path("type");
        return switch (type.asString("object")) {
            case "string" ->
                Json.MAPPER.valueToTree(
                        schema.has("enum")
                                ? schema.at("/enum/0").asString("")
                                : name.contains("image")
                                        ? PIXEL
                                        : name.contains("model") || name.equals("a") ? model : "x");
            case "integer", "number" ->
                Json.MAPPER.valueToTree(schema.path("minimum").asInt(64));
            case "boolean" -> Json.MAPPER.valueToTree(false);
            case "array" -> Json.MAPPER.createArrayNode().add(sample(document, name, schema.path("items")));
            default -> {
                ObjectNode object = Json.MAPPER.createObjectNode();
                schema.path("properties")
                        .properties()
                        .forEach(field ->
                                object.set(field.getKey(), sample(document, field.getKey(), field.getValue())));
                yield object;
            }
        };
    }
}
