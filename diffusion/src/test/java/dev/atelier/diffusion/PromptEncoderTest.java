package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptEncoderTest {
    private final LinearModel model = new LinearModel();

    private PromptEncoder encoder(EmphasisMode emphasis) {
        return new PromptEncoder(
                model,
                Embeddings.NONE,
                new HashSet<>(),
                emphasis,
                20,
                1,
                EditingTimes.first(10, false),
                2,
                new Size(512, 512),
                SdxlOptions.DEFAULT);
    }

    private FloatArray encode(String prompt, EmphasisMode emphasis) {
        return encoder(emphasis).negativePrompt(prompt).at(0).context();
    }

    @Test
    void everyImageGetsTheSameContext() {
        FloatArray context = encode("a cat", EmphasisMode.ORIGINAL);
        assertThat(context.shape()).containsExactly(2, 77, 1);
        assertThat(context.rows(0, 1).values())
                .containsExactly(context.rows(1, 2).values());
        assertThat(context.values()[2]).isEqualTo(2368 / 49408f);
    }

    @Test
    void withoutTheMeanAWeightMultipliesItsTokensAlone() {
        float[] plain = encode("a cat", EmphasisMode.NO_NORM).values();
        float[] weighted = encode("a (cat:1.5)", EmphasisMode.NO_NORM).values();
        for (int i = 0; i < 77; i++) {
            assertThat(weighted[i]).isCloseTo(i == 2 ? 1.5f * plain[i] : plain[i], within(1e-6f));
        }
    }

    @Test
    void theOriginalKeepsTheMean() {
        FloatArray plain = encode("a cat", EmphasisMode.ORIGINAL);
        FloatArray weighted = encode("(a cat:0.5)", EmphasisMode.ORIGINAL);
        assertThat(LinearModel.mean(weighted, 0)).isCloseTo(LinearModel.mean(plain, 0), within(1e-5f));
        // BOS weighs 1, so that only the mean's correction moves it
        float factor = weighted.values()[0] / plain.values()[0];
        assertThat(factor).isGreaterThan(1);
        assertThat(weighted.values()[2]).isCloseTo(0.5f * factor * plain.values()[2], within(1e-6f));
    }

    @Test
    void theMeanIsThatOfAllTextsOfARunTogether() {
        Timeline<UNetConditioning> together = encoder(EmphasisMode.ORIGINAL).negativePrompt("[(cat:0.1):dog:5]");
        float first = together.entries().getFirst().value().context().values()[0];
        float second = together.entries().getLast().value().context().values()[0];
        assertThat(first).isEqualTo(second).isGreaterThan(49406 / 49408f);
    }

    @ParameterizedTest
    @CsvSource({"IGNORE, a (cat:1.5)", "NONE, a cat"})
    void whereWeightsAreNotReadNothingIsWeighed(EmphasisMode mode, String prompt) {
        assertThat(encode(prompt, mode).values())
                .containsExactly(encode("a cat", EmphasisMode.ORIGINAL).values());
    }

    @Test
    void whereBracketsAreTextTheyReachTheTokenizer() {
        assertThat(encode("(cat)", EmphasisMode.NONE).values()[1])
                .isNotEqualTo(encode("(cat)", EmphasisMode.IGNORE).values()[1]);
    }

    @Test
    void aBreakOpensAWindow() {
        FloatArray context = encode("a BREAK cat", EmphasisMode.ORIGINAL);
        assertThat(context.shape()).containsExactly(2, 154, 1);
        assertThat(context.values()[78]).isEqualTo(2368 / 49408f);
    }

    @Test
    void textsThatTakeTurnsAreEquallyLongAndEncodedOnce() {
        Timeline<UNetConditioning> contexts = encoder(EmphasisMode.ORIGINAL).negativePrompt("[a BREAK b|cat]");
        assertThat(contexts.entries())
                .hasSize(10)
                .allSatisfy(entry -> assertThat(entry.value().context().shape()).containsExactly(2, 154, 1));
        assertThat(model.calls).containsExactly("encode 4"); // a, b, cat and the empty one beside cat
    }

    @Test
    void thePromptIsSplitAtAndButTheNegativePromptIsNot() {
        Conditioning conditioning = encoder(EmphasisMode.ORIGINAL).prompt("a cat :0.5 AND a dog");
        assertThat(conditioning.parts()).extracting(Conditioning.Part::weight).containsExactly(0.5, 1.0);
        FloatArray negative = encode("a AND b", EmphasisMode.ORIGINAL);
        assertThat(negative.values()[2]).isNotEqualTo(1f).isNotEqualTo(49407 / 49408f);
    }

    @Test
    void partsOfDifferentLengthAreLengthenedByTheirLastToken() {
        Conditioning conditioning = encoder(EmphasisMode.ORIGINAL).prompt("a BREAK b AND cat");
        List<FloatArray> contexts =
                conditioning.at(0).stream().map(UNetConditioning::context).toList();
        assertThat(contexts).allSatisfy(context -> assertThat(context.shape()).containsExactly(2, 154, 1));
        FloatArray shorter = contexts.get(1);
        for (int image = 0; image < 2; image++) {
            float[] row = shorter.rows(image, image + 1).values();
            assertThat(row[1]).isEqualTo(2368 / 49408f);
            for (int i = 77; i < 154; i++) {
                assertThat(row[i]).isEqualTo(row[76]);
            }
        }
    }

    @Test
    void guidanceAsksForTheContextOfEachCall() {
        List<Float> seen = new ArrayList<>();
        Timeline<UNetConditioning> prompt = encoder(EmphasisMode.ORIGINAL).negativePrompt("[cat:dog:1]");
        FloatArray x = FloatArray.of(new float[8], 2, 4, 1, 1);
        Denoiser guided = new ClassifierFreeGuidance(
                context -> (latents, sigma) -> {
                    seen.add(context.context().values()[1]);
                    return latents;
                },
                new Conditioning(List.of(new Conditioning.Part(1, prompt))),
                encoder(EmphasisMode.ORIGINAL).negativePrompt(""),
                7);
        for (int call = 0; call < 4; call++) {
            guided.denoise(x, 1);
        }
        float cat = 2368 / 49408f;
        float dog = 1929 / 49408f;
        assertThat(seen).containsExactly(cat, cat, dog, dog);
    }
}
