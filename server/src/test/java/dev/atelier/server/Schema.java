package dev.atelier.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import tools.jackson.databind.JsonNode;

/** Schemas of an OpenAPI document, and whether answers are as they say. */
public record Schema(JsonNode document) {

    /** Types, required members, and no member that the document does not know. */
    public void conforms(JsonNode value, String name) {
        JsonNode schema = document.at("/components/schemas/" + name);
        assertThat(schema.isObject()).as("schema " + name).isTrue();
        conforms(value, schema, name);
    }

    private void conforms(JsonNode value, JsonNode schema, String where) {
        JsonNode reference = schema.get("$ref");
        if (reference != null) {
            conforms(value, document.at(reference.stringValue().substring(1)), where);
            return;
        }
        JsonNode type = schema.get("type");
        if (type != null) {
            assertThat(types(value)).as(where).containsAnyElementsOf(texts(type));
        }
        if (value.isObject() && schema.get("properties") != null) {
            assertThat(value.propertyNames()).as(where).containsAll(texts(schema.path("required")));
            value.properties().forEach(member -> {
                JsonNode known = schema.get("properties").get(member.getKey());
                assertThat(known).as(where + "." + member.getKey()).isNotNull();
                conforms(member.getValue(), known, where + "." + member.getKey());
            });
        }
        if (value.isArray() && schema.has("items")) {
            value.forEach(entry -> conforms(entry, schema.get("items"), where + "[]"));
        }
    }

    private static List<String> texts(JsonNode texts) {
        return texts.isString()
                ? List.of(texts.stringValue())
                : texts.valueStream().map(JsonNode::stringValue).toList();
    }

    private static List<String> types(JsonNode value) {
        return switch (value.getNodeType()) {
            case OBJECT -> List.of("object");
            case ARRAY -> List.of("array");
            case STRING -> List.of("string");
            case BOOLEAN -> List.of("boolean");
            case NULL -> List.of("null");
            case NUMBER -> value.isIntegralNumber() ? List.of("integer", "number") : List.of("number");
            default -> List.of();
        };
    }
}
