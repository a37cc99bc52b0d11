package dev.atelier.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** tokenizer.json: texts and the ids that CLIPTokenizer of huggingface/transformers 5.18.0 gives them. */
class ClipTokenizerTest {

    record Row(String text, int[] ids) {}

    static List<Row> rowsRecordedFromHuggingFace() throws Exception {
        try (InputStream rows = ClipTokenizerTest.class.getResourceAsStream("tokenizer.json")) {
            return JsonMapper.shared().readValue(rows, new TypeReference<>() {});
        }
    }

    @ParameterizedTest
    @MethodSource("rowsRecordedFromHuggingFace")
    void idsAreThoseOfHuggingFace(Row row) {
        assertThat(ClipTokenizer.standard().encode(row.text)).as(row.text).containsExactly(row.ids);
    }

    @Test
    void aPhotoOfACatIsFiveTokens() {
        assertThat(ClipTokenizer.standard().encode("a photo of a cat")).containsExactly(320, 1125, 539, 320, 2368);
    }

    @Test
    void specialTokensInTheTextBecomeTheirIds() {
        assertThat(ClipTokenizer.standard().encode("<|startoftext|>a<|endoftext|>b"))
                .containsExactly(ClipTokenizer.BOS, 320, ClipTokenizer.EOS, 321);
    }

    @Test
    void aCapitalSigmaAtTheEndOfAWordIsLoweredLikeAnyOther() {
        assertThat(ClipTokenizer.standard().encode("ΣΑΣ")).containsExactly(139, 225, 138, 109, 139, 481);
    }

    @Test
    void decomposedLettersAreComposedFirst() {
        assertThat(ClipTokenizer.standard().encode("e\u0301")).containsExactly(4166);
    }

    @Test
    @Timeout(20)
    void aWordOfHalfAMillionLettersIsEncodedWithoutQuadraticWork() {
        String pangram = "sphinxofblackquartzjudgemyvow";
        int[] once = ClipTokenizer.standard().encode(pangram);
        int[] often = ClipTokenizer.standard().encode(pangram.repeat(20_000));
        assertThat(often.length).isBetween(20_000, 20_000 * pangram.length());
        assertThat(often[0]).isEqualTo(once[0]);
    }
}
