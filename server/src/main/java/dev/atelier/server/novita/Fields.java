package dev.atelier.server.novita;

import dev.atelier.server.db.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * An object of a request, read as leniently as the clients are: null is as good as absent, numbers may be texts, truth may be a
 * number. Every problem names the field with its path.
 */
final class Fields {
    private final String path;
    private final JsonNode node;

    private Fields(String path, JsonNode node) {
        this.path = path;
        this.node = node;
    }

    /** The body of a request, an object. */
    static Fields of(String json) {
        try {
            JsonNode node = Json.MAPPER.readTree(json);
            if (node.isObject()) {
                return new Fields("", node);
            }
        } catch (JacksonException e) {
            throw new ProblemException(Problem.INVALID, "the body is not JSON: " + e.getOriginalMessage());
        }
        throw new ProblemException(Problem.INVALID, "the body must be a JSON object");
    }

    boolean has(String name) {
        return value(name) != null;
    }

    private @Nullable JsonNode value(String name) {
        JsonNode value = node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    /** What a field is called in messages. */
    String path(String name) {
        return path + name;
    }

    /** The object of that name, without any fields where there is none. */
    Fields object(String name) {
        JsonNode value = value(name);
        if (value == null) {
            return new Fields(path(name) + ".", Json.MAPPER.createObjectNode());
        }
        if (!value.isObject()) {
            throw invalid(name, "an object");
        }
        return new Fields(path(name) + ".", value);
    }

    /** The objects of a list, at most {@code max}. */
    List<Fields> objects(String name, int max) {
        JsonNode value = value(name);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            throw invalid(name, "a list of objects");
        }
        if (value.size() > max) {
            throw new ProblemException(
                    Problem.OUT_OF_RANGE, "%s: %d entries are more than %d".formatted(path(name), value.size(), max));
        }
        List<Fields> objects = new ArrayList<>();
        for (int i = 0; i < value.size(); i++) {
            String entry = "%s[%d]".formatted(name, i);
            if (!value.get(i).isObject()) {
                throw invalid(entry, "an object");
            }
            objects.add(new Fields(path(entry) + ".", value.get(i)));
        }
        return objects;
    }

    /** The first text of a list, or of the field itself; null where there is none. */
    @Nullable
    String firstText(String name) {
        JsonNode value = value(name);
        if (value == null || (value.isArray() && value.isEmpty())) {
            return null;
        }
        JsonNode first = value.isArray() ? value.get(0) : value;
        if (!first.isString()) {
            throw invalid(name, "a list of texts");
        }
        return first.stringValue();
    }

    /** A text, "" for none. */
    String text(String name) {
        JsonNode value = value(name);
        if (value == null) {
            return "";
        }
        if (!value.isString()) {
            throw invalid(name, "a text");
        }
        return value.stringValue();
    }

    /** A text of at most {@code max} characters, "" for none. */
    String text(String name, int max) {
        String text = text(name);
        if (text.length() > max) {
            throw new ProblemException(
                    Problem.OUT_OF_RANGE,
                    "%s: %d characters are more than %d".formatted(path(name), text.length(), max));
        }
        return text;
    }

    /** A text that has to be there. */
    String requiredText(String name, int max) {
        String text = text(name, max);
        if (text.isEmpty()) {
            throw missing(name);
        }
        return text;
    }

    int integer(String name, int min, int max, int otherwise) {
        return (int) integer(name, (long) min, max, otherwise);
    }

    long integer(String name, long min, long max, long otherwise) {
        return has(name) ? whole(name, number(name), min, max) : otherwise;
    }

    int requiredInteger(String name, int min, int max) {
        return (int) whole(name, requiredNumber(name), min, max);
    }

    double number(String name, double min, double max, double otherwise) {
        return has(name) ? within(name, number(name), min, max) : otherwise;
    }

    double requiredNumber(String name, double min, double max) {
        return within(name, requiredNumber(name), min, max);
    }

    private double requiredNumber(String name) {
        if (!has(name)) {
            throw missing(name);
        }
        return number(name);
    }

    private double number(String name) {
        JsonNode value = value(name);
        if (value != null && value.isNumber()) {
            return value.doubleValue();
        }
        try {
            if (value != null && value.isString()) {
                return Double.parseDouble(value.stringValue().strip());
            }
        } catch (NumberFormatException _) {
            // said below
        }
        throw invalid(name, "a number");
    }

    private long whole(String name, double value, long min, long max) {
        within(name, value, (double) min, (double) max);
        if (value != Math.rint(value)) {
            throw invalid(name, "a whole number");
        }
        return (long) value;
    }

    private double within(String name, double value, double min, double max) {
        if (!(value >= min && value <= max)) {
            throw new ProblemException(
                    Problem.OUT_OF_RANGE,
                    "%s: %s is outside [%s, %s]".formatted(path(name), plain(value), plain(min), plain(max)));
        }
        return value;
    }

    private static String plain(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value) : "" + value;
    }

    boolean isTrue(String name) {
        JsonNode value = value(name);
        if (value == null) {
            return false;
        }
        return switch (value.asString("").toLowerCase(Locale.ROOT)) {
            case "true", "1", "1.0" -> true;
            case "false", "0", "0.0", "" -> false;
            default -> throw invalid(name, "true or false");
        };
    }

    private ProblemException missing(String name) {
        return new ProblemException(Problem.INVALID, path(name) + " is missing");
    }

    private ProblemException invalid(String name, String expected) {
        return new ProblemException(Problem.INVALID, "%s must be %s".formatted(path(name), expected));
    }
}
