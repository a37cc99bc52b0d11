package dev.atelier.training;

import java.io.InputStream;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The numbers of {@code examples.json}. */
public final class Examples {
    private Examples() {}

    public static JsonNode of(String block) {
        InputStream stored = Objects.requireNonNull(Examples.class.getResourceAsStream("examples.json"));
        return Objects.requireNonNull(JsonMapper.shared().readTree(stored).get(block), block);
    }
}
