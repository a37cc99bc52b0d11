package dev.atelier.checkpoint;

import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Metadata as the comment at the end of a zip file: a JSON object of texts. {@code torch.load} and Python's {@code zipfile}
 * take no notice of it, whereas a record of its own is refused by AUTOMATIC1111 ({@code modules/safe.py}).
 */
final class ZipComment {
    static final int MAX = 0xFFFF;
    private static final JsonFactory JSON = new JsonFactory();

    private ZipComment() {}

    /** As much as a comment holds, 64 KB: the longest entries are left out first. Empty, if there is nothing to say. */
    static byte[] of(Map<String, String> metadata) {
        Map<String, String> kept = new LinkedHashMap<>(metadata);
        kept.remove("format"); // speaks of safetensors
        byte[] comment = json(kept);
        while (comment.length > MAX) {
            kept.entrySet().stream()
                    .max(Comparator.comparingInt(entry -> entry.getValue().length()))
                    .map(Map.Entry::getKey)
                    .ifPresent(kept::remove);
            comment = json(kept);
        }
        return kept.isEmpty() ? new byte[0] : comment;
    }

    private static byte[] json(Map<String, String> metadata) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            metadata.forEach(json::writeStringProperty);
            json.writeEndObject();
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Empty, if the comment is anything else: anybody may write one. */
    static Map<String, String> read(byte[] comment) {
        Map<String, String> metadata = new LinkedHashMap<>();
        try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), comment)) {
            if (comment.length == 0 || json.nextToken() != JsonToken.START_OBJECT) {
                return Map.of();
            }
            for (String name = json.nextName(); name != null; name = json.nextName()) {
                if (json.nextToken() != JsonToken.VALUE_STRING) {
                    return Map.of();
                }
                metadata.put(name, json.getString());
            }
        } catch (JacksonException _) {
            return Map.of();
        }
        return metadata;
    }
}
