package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_INDEX;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * The top level of a configuration file such as {@code unet/config.json}: its texts, numbers and truth values, each as a list
 * of one, and its lists of such. What lies deeper is skipped.
 */
record ConfigFile(Map<String, List<String>> values) {
    /** Without values, if there is no such file. */
    static ConfigFile read(Path file) {
        Map<String, List<String>> values = new HashMap<>();
        if (!Files.exists(file)) {
            return new ConfigFile(values);
        }
        try (JsonParser json = new JsonFactory().createParser(ObjectReadContext.empty(), file)) {
            if (json.nextToken() == JsonToken.START_OBJECT) {
                for (String name = json.nextName(); name != null; name = json.nextName()) {
                    List<String> value = new ArrayList<>();
                    JsonToken token = json.nextToken();
                    if (token == JsonToken.START_ARRAY) {
                        while (json.nextToken() != JsonToken.END_ARRAY) {
                            addScalar(json, value);
                        }
                    } else {
                        addScalar(json, value);
                    }
                    values.put(name, List.copyOf(value));
                }
            }
        } catch (JacksonException e) {
            throw new InvalidCheckpointException(file, BAD_INDEX, "it is not valid JSON: " + e.getOriginalMessage(), e);
        }
        return new ConfigFile(values);
    }

    private static void addScalar(JsonParser json, List<String> values) {
        JsonToken token = json.currentToken();
        if (token != null && token.isScalarValue() && token != JsonToken.VALUE_NULL) {
            values.add(json.getString());
        } else {
            json.skipChildren();
        }
    }

    Optional<String> text(String name) {
        List<String> value = values.getOrDefault(name, List.of());
        return value.size() == 1 ? Optional.of(value.getFirst()) : Optional.empty();
    }

    /** The whole number called {@code name}; the common one, if it is a list that repeats it. */
    OptionalInt number(String name) {
        List<Integer> numbers = numbers(name);
        return numbers.stream().distinct().count() == 1 ? OptionalInt.of(numbers.getFirst()) : OptionalInt.empty();
    }

    /** The whole numbers called {@code name}; none, if it is anything else. */
    List<Integer> numbers(String name) {
        List<String> value = values.getOrDefault(name, List.of());
        return value.stream().allMatch(text -> text.matches("-?\\d{1,9}"))
                ? value.stream().map(Integer::valueOf).toList()
                : List.of();
    }

    boolean isTrue(String name) {
        return text(name).filter("true"::equals).isPresent();
    }
}
