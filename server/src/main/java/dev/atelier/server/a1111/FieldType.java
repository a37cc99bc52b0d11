package dev.atelier.server.a1111;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The types of request fields, with the coercions and the error messages of pydantic 1. */
enum FieldType {
    TEXT("string", "str type expected", "type_error.str") {
        @Override
        @Nullable
        Object read(JsonNode value) {
            return value.isString() ? value.stringValue() : value.isNumber() ? value.toString() : null;
        }
    },

    INTEGER("integer", "value is not a valid integer", "type_error.integer") {
        @Override
        @Nullable
        Object read(JsonNode value) {
            if (value.isString()) {
                String text = value.stringValue().strip();
                return text.matches("[+-]?\\d{1,18}") ? Long.valueOf(text) : null;
            }
            if (value.isBoolean()) {
                return value.booleanValue() ? 1L : 0L;
            }
            // beyond this a double is no exact integer any more, and a long overflows
            return value.isNumber() && Math.abs(value.doubleValue()) < 9e18 ? (Long) exact(value) : null;
        }

        private static long exact(JsonNode value) {
            return value.isIntegralNumber() ? value.longValue() : (long) value.doubleValue();
        }
    },

    NUMBER("number", "value is not a valid float", "type_error.float") {
        @Override
        @Nullable
        Object read(JsonNode value) {
            if (value.isString()) {
                try {
                    return finite(Double.parseDouble(value.stringValue().strip()));
                } catch (NumberFormatException _) {
                    return null;
                }
            }
            if (value.isBoolean()) {
                return value.booleanValue() ? 1.0 : 0.0;
            }
            return value.isNumber() ? finite(value.doubleValue()) : null;
        }

        private static @Nullable Double finite(double value) {
            return Double.isFinite(value) ? value : null;
        }
    },

    BOOLEAN("boolean", "value could not be parsed to a boolean", "type_error.bool") {
        @Override
        @Nullable
        Object read(JsonNode value) {
            if (value.isBoolean()) {
                return value.booleanValue();
            }
            String text = value.isString() ? value.stringValue().toLowerCase(java.util.Locale.ROOT) : value.toString();
            return TRUE.contains(text) ? Boolean.TRUE : FALSE.contains(text) ? Boolean.FALSE : null;
        }
    },

    LIST("array", "value is not a valid list", "type_error.list") {
        @Override
        @Nullable
        Object read(JsonNode value) {
            return value.isArray() ? value : null;
        }
    },

    OBJECT("object", "value is not a valid dict", "type_error.dict") {
        @Override
        @Nullable
        Object read(JsonNode value) {
            return value.isObject() ? value : null;
        }
    };

    private static final Set<String> TRUE = Set.of("1", "on", "t", "true", "y", "yes");
    private static final Set<String> FALSE = Set.of("0", "off", "f", "false", "n", "no");

    private final String jsonName;
    private final String message;
    private final String code;

    FieldType(String jsonName, String message, String code) {
        this.jsonName = jsonName;
        this.message = message;
        this.code = code;
    }

    /** What JSON schemas call it. */
    String jsonName() {
        return jsonName;
    }

    /** What pydantic says of a value that is none of this type. */
    String message() {
        return message;
    }

    /** Pydantic's name of that error. */
    String code() {
        return code;
    }

    /** The value in this type: a String, Long, Double, Boolean or JsonNode; null if it is none. */
    abstract @Nullable Object read(JsonNode value);
}
