package dev.atelier.merge;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The worked examples of the public merge methods, see reference/README.md. */
public final class Examples {
    private static final JsonNode ALL = read();

    private Examples() {}

    private static JsonNode read() {
        try (InputStream file = Examples.class.getResourceAsStream("merge-examples.json.gz");
                InputStream json = new GZIPInputStream(file)) {
            return new ObjectMapper().readTree(json).get("cases");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<JsonNode> all() {
        return ALL.valueStream();
    }

    public static JsonNode named(String id) {
        return all().filter(example -> example.get("id").asString().equals(id))
                .findFirst()
                .orElseThrow();
    }
}
