package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ZipCommentTest {
    @Test
    void metadataComesBack() {
        Map<String, String> metadata = Map.of("note", "größer: \"1\"\n\u0005", "empty", "");
        assertThat(ZipComment.read(ZipComment.of(metadata))).isEqualTo(metadata);
        assertThat(ZipComment.of(Map.of("format", "pt"))).isEmpty();
    }

    @Test
    void theLongestEntriesAreLeftOutWhereAllAreTooLong() {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("long", "x".repeat(70_000));
        metadata.put("short", "y".repeat(40_000));
        assertThat(ZipComment.read(ZipComment.of(metadata))).containsOnlyKeys("short");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "made by hand", "[]", "{\"a\": 1}", "{\"a\": \"b\"", "{\"a\": {\"b\": \"c\"}}"})
    void othersCommentsAreNoMetadata(String comment) {
        assertThat(ZipComment.read(comment.getBytes(StandardCharsets.UTF_8))).isEmpty();
    }
}
