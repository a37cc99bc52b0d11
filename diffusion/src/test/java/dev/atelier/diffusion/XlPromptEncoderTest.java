package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.Family;
import dev.atelier.model.FloatArray;
import dev.atelier.model.TextEncoding;
import dev.atelier.model.TextWindow;
import dev.atelier.model.UNetConditioning;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Prompts for SDXL: two text encoders, and a vector beside the time. */
class XlPromptEncoderTest {
    private static final Size SIZE = new Size(1024, 768);
    private static final int BLUE = 1746;

    /** Two encoders that give a token's id, one of them ten times; pooled, the id of the first word. */
    private static final class TwoEncoders extends LinearModel {
        private final Family family;

        TwoEncoders(Family family) {
            this.family = family;
        }

        @Override
        public Family family() {
            return family;
        }

        @Override
        public TextEncoding encodeText(List<TextWindow> windows, int clipSkip) {
            FloatArray first = super.encodeText(windows, clipSkip).context();
            float[] pooled = new float[windows.size()];
            for (int i = 0; i < pooled.length; i++) {
                pooled[i] = windows.get(i).tokens().get(1);
            }
            return new TextEncoding(List.of(first, Latents.scale(first, 10)), FloatArray.of(pooled, pooled.length, 1));
        }
    }

    private static PromptEncoder encoder(Family family) {
        return encoder(family, SdxlOptions.DEFAULT);
    }

    private static PromptEncoder encoder(Family family, SdxlOptions options) {
        return new PromptEncoder(
                new TwoEncoders(family),
                Embeddings.NONE,
                new HashSet<>(),
                EmphasisMode.ORIGINAL,
                20,
                1,
                EditingTimes.first(10, false),
                2,
                SIZE,
                options);
    }

    private static UNetConditioning prompt(String text) {
        return encoder(Family.SDXL).prompt(text).at(0).getFirst();
    }

    private static FloatArray vector(UNetConditioning conditioning) {
        return Objects.requireNonNull(conditioning.vector());
    }

    @Test
    void theEncodersLieSideBySide() {
        FloatArray context = prompt("blue").context();
        assertThat(context.shape()).containsExactly(2, 77, 2);
        assertThat(context.values()[2]).isEqualTo(BLUE / 49408f);
        assertThat(context.values()[3]).isCloseTo(10 * BLUE / 49408f, within(1e-6f));
    }

    @Test
    void eachEncoderKeepsItsOwnMean() {
        FloatArray plain = prompt("a blue cat").context();
        FloatArray weighted = prompt("a (blue:1.5) cat").context();
        for (int part = 0; part < 2; part++) {
            double before = 0;
            double after = 0;
            for (int token = 0; token < ClipTokenizer.WINDOW; token++) {
                before += plain.values()[2 * token + part];
                after += weighted.values()[2 * token + part];
            }
            assertThat(after).isCloseTo(before, within(1e-3 * before));
        }
    }

    @Test
    void theVectorIsThatOfTheFirstWindowAndNeverWeighed() {
        FloatArray vector = vector(prompt("(blue:1.5) BREAK cat"));
        assertThat(vector.shape()).containsExactly(2, 1 + 6 * 256);
        assertThat(vector.values()[0]).isEqualTo(BLUE);
    }

    @Test
    void theVectorHoldsTheSizesHeightsFirst() {
        PromptEncoder encoder = encoder(Family.SDXL, new SdxlOptions(3, 40, 2.5, 6));
        float[] vector = vector(encoder.prompt("blue").at(0).getFirst()).values();
        for (int i = 0; i < 6; i++) {
            int size = new int[] {768, 1024, 3, 40, 768, 1024}[i];
            assertThat(vector[1 + 256 * i]).isCloseTo((float) Math.cos(size), within(1e-5f));
            assertThat(vector[1 + 256 * i + 128]).isCloseTo((float) Math.sin(size), within(1e-5f));
        }
    }

    @Test
    void theRefinerReadsAnAestheticScoreInPlaceOfTheTargetSize() {
        PromptEncoder encoder = encoder(Family.SDXL_REFINER, new SdxlOptions(0, 0, 3, 7));
        FloatArray prompt = vector(encoder.prompt("blue").at(0).getFirst());
        FloatArray negative = vector(encoder.negativePrompt("red").at(0));
        assertThat(prompt.size(1)).isEqualTo(1 + 5 * 256);
        assertThat(prompt.values()[1 + 4 * 256]).isCloseTo((float) Math.cos(7), within(1e-5f));
        assertThat(negative.values()[1 + 4 * 256]).isCloseTo((float) Math.cos(3), within(1e-5f));
    }

    @Test
    void anEmptyNegativePromptIsZerosAndASpaceIsNot() {
        UNetConditioning empty = encoder(Family.SDXL).negativePrompt("").at(0);
        assertThat(empty.context().values()).containsOnly(0);
        assertThat(vector(empty).values()[0]).isZero();
        assertThat(vector(empty).values()[1]).isNotZero();
        UNetConditioning space = encoder(Family.SDXL).negativePrompt(" ").at(0);
        assertThat(space.context().values()[0]).isNotZero();
    }

    @Test
    void anEmptyPromptIsEncoded() {
        assertThat(prompt("").context().values()[0]).isNotZero();
    }
}
