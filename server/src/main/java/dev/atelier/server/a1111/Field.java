package dev.atelier.server.a1111;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A field of a request.
 *
 * @param standard what it is where a request does not say; null for null, and for a field that is required
 */
record Field(
        String name,
        FieldType type,
        @Nullable Object standard,
        boolean isRequired,
        @Nullable Double min,
        @Nullable Double max) {

    static Field text(String name, @Nullable String standard) {
        return new Field(name, FieldType.TEXT, standard, false, null, null);
    }

    static Field integer(String name, @Nullable Long standard) {
        return new Field(name, FieldType.INTEGER, standard, false, null, null);
    }

    static Field number(String name, @Nullable Double standard) {
        return new Field(name, FieldType.NUMBER, standard, false, null, null);
    }

    static Field bool(String name, @Nullable Boolean standard) {
        return new Field(name, FieldType.BOOLEAN, standard, false, null, null);
    }

    static Field list(String name, @Nullable JsonNode standard) {
        return new Field(name, FieldType.LIST, standard, false, null, null);
    }

    static Field object(String name, @Nullable JsonNode standard) {
        return new Field(name, FieldType.OBJECT, standard, false, null, null);
    }

    Field required() {
        return new Field(name, type, null, true, min, max);
    }

    /** Values below {@code min} or above {@code max} are errors. */
    Field within(double min, double max) {
        return new Field(name, type, standard, isRequired, min, max);
    }
}
