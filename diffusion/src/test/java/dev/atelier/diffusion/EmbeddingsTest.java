package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.diffusion.TokenWindows.Window;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.Embedding;
import dev.atelier.model.FloatArray;
import dev.atelier.model.TextWindow.Placed;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Embeddings by name in prompts, for a model whose tokens are vectors of one number. */
class EmbeddingsTest {
    private static final Embedding HANDS = embedding("bad-hands-5", 3, 1);
    private static final Embedding BAD = embedding("bad", 2, 1);
    private static final Embedding LONG = embedding("EasyNegative", 8, 1);
    private static final Embedding OTHER = embedding("NG_DeepNegative_V1_75T", 4, 2);
    private static final Embeddings ALL = Embeddings.of(List.of(BAD, HANDS, LONG, OTHER), new LinearModel());

    private static Embedding embedding(String name, int vectors, int width) {
        return new Embedding(name, "0123456789ab", List.of(FloatArray.of(new float[vectors * width], vectors, width)));
    }

    private static List<Window> windows(String prompt) {
        return TokenWindows.of(PromptSegment.parse(prompt), ALL, 20);
    }

    private static List<Placed> placed(String prompt) {
        return windows(prompt).getFirst().text().embeddings();
    }

    @Test
    void theLongestNameIsMeantAndCapitalsMakeNoDifference() {
        assertThat(placed("cat, Bad-Hands-5, bad")).containsExactly(new Placed(3, HANDS), new Placed(7, BAD));
        assertThat(placed("a bad-hand")).containsExactly(new Placed(2, BAD));
    }

    @Test
    void itTakesAPlaceForEachVectorWithTheWeightOfItsText() {
        Window window = windows("(easynegative:1.3) cat").getFirst();
        assertThat(window.text().embeddings()).containsExactly(new Placed(1, LONG));
        assertThat(window.text().tokens().subList(0, 11))
                .containsExactly(ClipTokenizer.BOS, 0, 0, 0, 0, 0, 0, 0, 0, 2368, ClipTokenizer.EOS);
        assertThat(window.weights().subList(0, 10))
                .containsExactly(1f, 1.3f, 1.3f, 1.3f, 1.3f, 1.3f, 1.3f, 1.3f, 1.3f, 1f);
    }

    @Test
    void bracketsTearANameApart() {
        assertThat(placed("easy(negative)")).isEmpty();
    }

    @Test
    void whatDoesNotFitIntoAWindowBeginsTheNext() {
        List<Window> windows = windows("cat ".repeat(70) + "easynegative dog");
        assertThat(windows).hasSize(2);
        assertThat(windows.getFirst().text().tokens().get(71)).isEqualTo(ClipTokenizer.EOS);
        assertThat(windows.getLast().text().embeddings()).containsExactly(new Placed(1, LONG));
    }

    @Test
    void whatMovesOnWithALateCommaLeavesItsVectorsBehind() {
        List<Window> windows = windows("cat ".repeat(65) + ", easynegative dog dog");
        assertThat(windows.getFirst().text().embeddings()).containsExactly(new Placed(67, LONG));
        assertThat(windows.getLast().text().embeddings()).isEmpty();
        assertThat(windows.getLast().text().tokens().subList(1, 9)).containsOnly(0);
    }

    @Test
    void thoseOfOtherFamiliesAreTextAndKnownByName() {
        assertThat(placed("ng_deepnegative_v1_75t")).isEmpty();
        assertThat(ALL.ofOtherFamilies("cat, (ng_deepnegative_v1_75t:0.7), bad"))
                .containsExactly(OTHER);
    }

    @Test
    void namesThatLookLikeEmbeddingsAndAreNoneAreTold() {
        String prompt = "(worst quality:1.4), EasyNegative, bad-hands-5, bad_prompt_version2, badhandv4, extra_digit,"
                + " negative space, by bad-artist, (UnrealisticDream:0.8), bad_anatomy, 4k, embedding:x, easynegative";
        Embeddings known = Embeddings.of(List.of(HANDS, LONG, OTHER), new LinearModel());
        assertThat(MissingEmbeddings.named(prompt, known))
                .containsExactly("bad_prompt_version2", "badhandv4", "bad-artist", "UnrealisticDream", "embedding:x");
        assertThat(MissingEmbeddings.named(
                        "EasyNegative, bad-hands-5, NG_DeepNegative_V1_75T, (easynegative:0.7)", Embeddings.NONE))
                .containsExactly("EasyNegative", "bad-hands-5", "NG_DeepNegative_V1_75T");
    }
}
