package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.AlphasCumprod;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GuidanceTest {
    private static final float SIGMA = 2;

    private final NoiseSchedule schedule = new NoiseSchedule(AlphasCumprod.scaledLinear());
    private final LinearModel model = new LinearModel();
    private final FloatArray x = FloatArray.of(new float[] {1, -1, 3, 0.5f, 2, -2, 0, 7}, 2, 4, 1, 1);

    /** A conditioning whose mean is {@code value} for the first image and three times that for the second. */
    private static UNetConditioning context(float value, int tokens) {
        float[] values = new float[2 * tokens];
        Arrays.fill(values, 0, tokens, value);
        Arrays.fill(values, tokens, 2 * tokens, 3 * value);
        return UNetConditioning.of(FloatArray.of(values, 2, tokens, 1));
    }

    private float expected(int i, double mean) {
        double variance = (double) SIGMA * SIGMA;
        double own = i < 4 ? mean : 3 * mean;
        return (float) ((x.values()[i] + own * variance) / (1 + variance));
    }

    @Test
    void theDenoiserUndoesTheNetworksScalingAndItsClock() {
        FloatArray denoised = new NetworkDenoiser(model, schedule, context(0.5f, 77)).denoise(x, SIGMA);
        for (int i = 0; i < 8; i++) {
            assertThat(denoised.values()[i]).isCloseTo(expected(i, 0.5), within(1e-5f));
        }
        assertThat(model.timesteps).singleElement().satisfies(t -> assertThat(t).isCloseTo(562.286f, within(1e-3f)));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, 2.5, 7})
    void guidanceGoesFromTheNegativePromptThroughThePromptAndBeyond(double scale) {
        Denoiser guided = ClassifierFreeGuidance.of(
                context -> new NetworkDenoiser(model, schedule, context), context(0.5f, 77), context(-0.2f, 77), scale);
        FloatArray denoised = guided.denoise(x, SIGMA);
        assertThat(denoised.shape()).containsExactly(2, 4, 1, 1);
        for (int i = 0; i < 8; i++) {
            float conditional = expected(i, 0.5);
            float unconditional = expected(i, -0.2);
            assertThat(denoised.values()[i])
                    .isCloseTo(unconditional + (float) scale * (conditional - unconditional), within(1e-4f));
        }
    }

    @Test
    void partsOfAPromptGuideByTheirWeights() {
        Conditioning parts = new Conditioning(List.of(
                new Conditioning.Part(0.5, Timeline.always(context(0.5f, 77))),
                new Conditioning.Part(-2, Timeline.always(context(0.9f, 77)))));
        Denoiser guided = new ClassifierFreeGuidance(
                context -> new NetworkDenoiser(model, schedule, context),
                parts,
                Timeline.always(context(-0.2f, 77)),
                3);
        FloatArray denoised = guided.denoise(x, SIGMA);
        for (int i = 0; i < 8; i++) {
            float base = expected(i, -0.2);
            float sum = 0.5f * (expected(i, 0.5) - base) - 2 * (expected(i, 0.9) - base);
            assertThat(denoised.values()[i]).isCloseTo(base + 3 * sum, within(1e-4f));
        }
        assertThat(model.calls).containsExactly("unet 6x77");
    }

    @Test
    void theNegativePromptIsLeftOutWhereItCancelsOut() {
        Conditioning parts = new Conditioning(List.of(
                new Conditioning.Part(1, Timeline.always(context(0.5f, 77))),
                new Conditioning.Part(-0.75, Timeline.always(context(0.9f, 77)))));
        Denoiser guided = new ClassifierFreeGuidance(
                context -> new NetworkDenoiser(model, schedule, context),
                parts,
                Timeline.always(context(-0.2f, 77)),
                4);
        FloatArray denoised = guided.denoise(x, SIGMA);
        for (int i = 0; i < 8; i++) {
            assertThat(denoised.values()[i]).isCloseTo(4 * expected(i, 0.5) - 3 * expected(i, 0.9), within(1e-4f));
        }
        assertThat(model.calls).containsExactly("unet 4x77");
    }

    @Test
    void whoeverAsksForBothGetsWhatGuidanceStartedFrom() {
        Denoiser.Guided guided = ClassifierFreeGuidance.of(
                        context -> new NetworkDenoiser(model, schedule, context),
                        context(0.5f, 77),
                        context(-0.2f, 77),
                        1)
                .guide(x, SIGMA);
        for (int i = 0; i < 8; i++) {
            assertThat(guided.denoised().values()[i]).isCloseTo(expected(i, 0.5), within(1e-5f));
            assertThat(guided.unconditional().values()[i]).isCloseTo(expected(i, -0.2), within(1e-5f));
        }
    }

    @Test
    void equallyLongPromptsShareOneNetworkCall() {
        guide(77, 77, 7);
        assertThat(model.calls).containsExactly("unet 4x77");
    }

    @Test
    void promptsOfDifferentLengthTakeTwoCallsAndGiveTheSame() {
        FloatArray together = guide(154, 154, 7);
        model.calls.clear();
        FloatArray apart = guide(154, 77, 7);
        assertThat(model.calls).containsExactly("unet 2x154", "unet 2x77");
        for (int i = 0; i < 8; i++) {
            assertThat(apart.values()[i]).isCloseTo(together.values()[i], within(1e-4f));
        }
    }

    @Test
    void atScaleOneTheNegativePromptIsLeftOut() {
        guide(77, 77, 1);
        assertThat(model.calls).containsExactly("unet 2x77");
    }

    private FloatArray guide(int tokens, int negativeTokens, double scale) {
        return ClassifierFreeGuidance.of(
                        context -> new NetworkDenoiser(model, schedule, context),
                        context(0.5f, tokens),
                        context(-0.2f, negativeTokens),
                        scale)
                .denoise(x, SIGMA);
    }
}
