package dev.atelier.server.a1111;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A request's values, by field.
 *
 * @param given the body as it came
 */
record Values(FieldList list, Map<String, @Nullable Object> values, JsonNode given) {

    @Nullable
    String text(String name) {
        return (String) values.get(name);
    }

    /** The text, or "" for null. */
    String textOrEmpty(String name) {
        String text = text(name);
        return text == null ? "" : text;
    }

    @Nullable
    Long integer(String name) {
        return (Long) values.get(name);
    }

    long integer(String name, long otherwise) {
        Long value = integer(name);
        return value == null ? otherwise : value;
    }

    @Nullable
    Double number(String name) {
        return (Double) values.get(name);
    }

    double number(String name, double otherwise) {
        Double value = number(name);
        return value == null ? otherwise : value;
    }

    boolean isTrue(String name) {
        return Boolean.TRUE.equals(values.get(name));
    }

    @Nullable
    JsonNode json(String name) {
        return (JsonNode) values.get(name);
    }

    /** Whether requests of this kind have such a field. */
    boolean isKnown(String name) {
        return values.containsKey(name);
    }

    boolean isGiven(String name) {
        return given.has(name);
    }

    /** All fields with their values, in the order of the list. */
    Map<String, @Nullable Object> echo() {
        return new LinkedHashMap<>(values);
    }

    /** Only what the request said. */
    Map<String, @Nullable Object> echoGiven() {
        Map<String, @Nullable Object> echo = echo();
        echo.keySet().removeIf(name -> !isGiven(name));
        return echo;
    }
}
