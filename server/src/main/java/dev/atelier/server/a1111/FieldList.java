package dev.atelier.server.a1111;

import dev.atelier.server.a1111.InvalidRequestException.Problem;
import dev.atelier.server.db.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The fields of one kind of request. Others in a body are ignored, and null is taken for absent. */
record FieldList(List<Field> fields) {

    static FieldList of(Field... fields) {
        return new FieldList(List.of(fields));
    }

    FieldList and(Field... more) {
        return new FieldList(Stream.concat(fields.stream(), Stream.of(more)).toList());
    }

    /** With another definition of one field. */
    FieldList replace(Field other) {
        return new FieldList(fields.stream()
                .map(field -> field.name().equals(other.name()) ? other : field)
                .toList());
    }

    /** Their JSON schema. */
    ObjectNode schema() {
        ObjectNode schema = Json.MAPPER.createObjectNode().put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = Json.MAPPER.createArrayNode();
        for (Field field : fields) {
            properties.set(field.name(), field.schema());
            if (field.isRequired()) {
                required.add(field.name());
            }
        }
        if (!required.isEmpty()) {
            schema.set("required", required);
        }
        return schema;
    }

    /**
     * Reads a body.
     *
     * @throws InvalidRequestException listing every field that does not fit
     */
    Values read(String body) {
        return read(json(body));
    }

    /** As {@link #read(String)}. */
    Values read(JsonNode given) {
        if (!given.isObject()) {
            throw new InvalidRequestException(List.of("body"), FieldType.OBJECT.message(), FieldType.OBJECT.code());
        }
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        List<Problem> problems = new ArrayList<>();
        for (Field field : fields) {
            JsonNode value = given.get(field.name());
            if (value == null || value.isNull()) {
                values.put(field.name(), value == null ? field.standard() : null);
                if (field.isRequired()) {
                    problems.add(problem(field, "field required", "value_error.missing"));
                }
                continue;
            }
            Object read = field.type().read(value);
            values.put(field.name(), read);
            if (read == null) {
                problems.add(problem(field, field.type().message(), field.type().code()));
            } else if (read instanceof Number number) {
                checkRange(field, number.doubleValue(), problems);
            }
        }
        if (!problems.isEmpty()) {
            throw new InvalidRequestException(problems);
        }
        return new Values(this, values, given);
    }

    /** @throws InvalidRequestException if the body is no JSON */
    static JsonNode json(String body) {
        if (body.isBlank()) {
            throw new InvalidRequestException(List.of("body"), "field required", "value_error.missing");
        }
        try {
            return Json.MAPPER.readTree(body);
        } catch (JacksonException e) {
            throw new InvalidRequestException(
                    List.of(
                            "body",
                            e.getLocation() == null ? 0 : (int) e.getLocation().getCharOffset()),
                    e.getOriginalMessage(),
                    "value_error.jsondecode");
        }
    }

    private static void checkRange(Field field, double value, List<Problem> problems) {
        if (field.min() != null && value < field.min()) {
            problems.add(problem(
                    field,
                    "ensure this value is greater than or equal to " + number(field.min()),
                    "value_error.number.not_ge"));
        }
        if (field.max() != null && value > field.max()) {
            problems.add(problem(
                    field,
                    "ensure this value is less than or equal to " + number(field.max()),
                    "value_error.number.not_le"));
        }
    }

    private static String number(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }

    private static Problem problem(Field field, String message, String type) {
        return new Problem(List.of("body", field.name()), message, type);
    }
}
