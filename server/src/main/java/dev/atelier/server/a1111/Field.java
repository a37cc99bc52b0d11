package dev.atelier.server.a1111;

import dev.atelier.server.db.Json;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A field of a request.
 *
 * @param standard what it is where a request does not say; null for null, and for a field that is required
 * @param note why it is not obeyed, or as far as what; "" where there is nothing to say
 */
record Field(
        String name,
        FieldType type,
        @Nullable Object standard,
        boolean isRequired,
        @Nullable Double min,
        @Nullable Double max,
        Effect effect,
        String note) {

    static Field text(String name, @Nullable String standard) {
        return of(name, FieldType.TEXT, standard);
    }

    static Field integer(String name, @Nullable Long standard) {
        return of(name, FieldType.INTEGER, standard);
    }

    static Field number(String name, @Nullable Double standard) {
        return of(name, FieldType.NUMBER, standard);
    }

    static Field bool(String name, @Nullable Boolean standard) {
        return of(name, FieldType.BOOLEAN, standard);
    }

    static Field list(String name, @Nullable JsonNode standard) {
        return of(name, FieldType.LIST, standard);
    }

    static Field object(String name, @Nullable JsonNode standard) {
        return of(name, FieldType.OBJECT, standard);
    }

    private static Field of(String name, FieldType type, @Nullable Object standard) {
        return new Field(name, type, standard, false, null, null, Effect.OBEYED, "");
    }

    Field required() {
        return new Field(name, type, null, true, min, max, effect, note);
    }

    /** Values below {@code min} or above {@code max} are errors. */
    Field within(double min, double max) {
        return new Field(name, type, standard, isRequired, min, max, effect, note);
    }

    /** Of which one has to know something. */
    Field noted(String text) {
        return with(Effect.OBEYED, text);
    }

    /** Without effect. */
    Field ignored(String why) {
        return with(Effect.IGNORED, why);
    }

    /** An error where it asks for something. */
    Field refused(String what) {
        return with(Effect.REFUSED, what);
    }

    private Field with(Effect other, String text) {
        return new Field(name, type, standard, isRequired, min, max, other, text);
    }

    /** Its JSON schema. */
    ObjectNode schema() {
        ObjectNode schema = Json.MAPPER.createObjectNode();
        if (isRequired) {
            schema.put("type", type.jsonName());
        } else {
            schema.putArray("type").add(type.jsonName()).add("null");
            schema.set("default", Json.MAPPER.valueToTree(standard));
        }
        if (min != null) {
            schema.put("minimum", min);
        }
        if (max != null) {
            schema.put("maximum", max);
        }
        String said = effect == Effect.OBEYED ? note : effect.name().toLowerCase(Locale.ROOT) + ": " + note;
        if (!said.isEmpty()) {
            schema.put("description", said);
        }
        return schema;
    }
}
