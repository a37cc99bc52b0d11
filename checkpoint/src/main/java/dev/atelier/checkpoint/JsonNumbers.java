package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_INDEX;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** The whole numbers at the top level of a JSON file, such as the sizes in a {@code config.json}. */
record JsonNumbers(Map<String, Integer> numbers) {
    /** No numbers, if there is no such file. */
    static JsonNumbers read(Path file) {
        Map<String, Integer> numbers = new HashMap<>();
        if (!Files.exists(file)) {
            return new JsonNumbers(numbers);
        }
        try (JsonParser json = new JsonFactory().createParser(ObjectReadContext.empty(), file)) {
            if (json.nextToken() == JsonToken.START_OBJECT) {
                for (String name = json.nextName(); name != null; name = json.nextName()) {
                    if (json.nextToken() == JsonToken.VALUE_NUMBER_INT
                            && json.getNumberType() == JsonParser.NumberType.INT) {
                        numbers.put(name, json.getIntValue());
                    } else {
                        json.skipChildren();
                    }
                }
            }
        } catch (JacksonException e) {
            throw new InvalidCheckpointException(file, BAD_INDEX, "it is not valid JSON: " + e.getOriginalMessage(), e);
        }
        return new JsonNumbers(numbers);
    }

    OptionalInt find(String name) {
        Integer number = numbers.get(name);
        return number == null ? OptionalInt.empty() : OptionalInt.of(number);
    }
}
