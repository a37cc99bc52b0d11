package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.model.AlphasCumprod;
import dev.atelier.model.FloatArray;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DenoisingTest {
    private static final float[] LATENTS = {0.5f, -1.25f, 2, 0};
    private static final float[] NOISE = {-0.3f, 0.8f, 1.1f, -2};

    private static DenoisingBatch batch(double gamma, int timestep) {
        return new Denoising(AlphasCumprod.scaledLinear(), gamma)
                .batch(
                        FloatArray.of(LATENTS.clone(), 1, 4, 1, 1),
                        FloatArray.of(NOISE.clone(), 1, 4, 1, 1),
                        new int[] {timestep},
                        List.of(new int[77]));
    }

    /** Weights of kohya's apply_snr_weight with gamma 5. The table of ᾱ is in fp32, where 1 - ᾱ of the first steps keeps four digits. */
    @ParameterizedTest
    @CsvSource({
        "0, 0.00425361557324",
        "10, 0.0483056765152",
        "100, 0.591443442633",
        "300, 1.0",
        "500, 1.0",
        "700, 1.0",
        "900, 1.0",
        "990, 1.0"
    })
    void theSignalToNoiseRatioCountsUpToGamma(int timestep, double weight) {
        assertThat((double) batch(5, timestep).weights()[0]).isCloseTo(weight, within(1e-4 * weight));
        assertThat(batch(0, timestep).weights()).containsExactly(1);
    }

    /** x_t as diffusers' DDPMScheduler adds noise. */
    @ParameterizedTest
    @CsvSource({
        "0, 0.491041026982, -1.22614482948, 2.03122005472, -0.0583095189485",
        "250, 0.239080660669, -0.569144368243, 2.26995768047, -1.14229133721",
        "500, 0.00763086242772, 0.023457162903, 1.98710212244, -1.70137275889",
        "999, -0.265167711842, 0.712802641097, 1.23396378125, -1.99533445967"
    })
    void noiseIsAddedAsTheTimestepSays(int timestep, double a, double b, double c, double d) {
        DenoisingBatch batch = batch(0, timestep);
        double[] expected = {a, b, c, d};
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) batch.noisy().values()[i]).isCloseTo(expected[i], within(2e-6));
        }
        assertThat(batch.target().values()).containsExactly(NOISE);
    }

    @Test
    void aCaptionThatComesTwiceIsEncodedOnce() {
        int[] one = new CaptionTokens().of("a circle");
        int[] other = new CaptionTokens().of("a square");
        FloatArray latents = Randomness.normal(new SplittableRandom(1), 3, 4, 2, 2);
        DenoisingBatch batch = new Denoising(AlphasCumprod.scaledLinear(), 0)
                .batch(latents, latents, new int[] {1, 2, 3}, List.of(one, other, one));
        assertThat(((DenoisingBatch.Captions) batch.text()).tokens()).isDeepEqualTo(new int[][] {one, other});
        assertThat(batch.captions()).containsExactly(0, 1, 0);
    }
}
