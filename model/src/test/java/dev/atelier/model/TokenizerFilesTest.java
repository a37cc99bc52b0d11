package dev.atelier.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokenizerFilesTest {
    private static JsonNode json(Map<String, byte[]> files, String name) {
        return JsonMapper.shared().readTree(files.get(name));
    }

    @Test
    void theVocabularyGivesEveryIdOneToken() {
        Map<String, byte[]> files = TokenizerFiles.of("!");
        JsonNode vocabulary = json(files, "vocab.json");
        HashSet<Integer> ids = new HashSet<>();
        vocabulary.forEach(id -> ids.add(id.asInt()));
        assertThat(ids).hasSize(ClipTokenizer.VOCABULARY);
        assertThat(vocabulary.get("!").asInt()).isZero();
        assertThat(vocabulary.get("<|startoftext|>").asInt()).isEqualTo(ClipTokenizer.BOS);
        assertThat(vocabulary.get("<|endoftext|>").asInt()).isEqualTo(ClipTokenizer.EOS);
        int[] cat = ClipTokenizer.standard().encode("cat");
        assertThat(vocabulary.get("cat</w>").asInt()).isEqualTo(cat[0]);
        assertThat(json(files, "tokenizer_config.json").get("pad_token").asString())
                .isEqualTo("!");
    }

    @Test
    void theMergesStartWithTheirVersion() {
        String merges = new String(TokenizerFiles.of("<|endoftext|>").get("merges.txt"), StandardCharsets.UTF_8);
        assertThat(merges).startsWith("#version: 0.2\ni n\nt h\n");
        assertThat(merges.lines()).hasSize(48_895);
    }
}
