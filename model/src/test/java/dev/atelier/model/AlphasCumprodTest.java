package dev.atelier.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AlphasCumprodTest {

    @Test
    void theTableIsTheOneThatCompVisComputes() {
        // CompVis make_beta_schedule("linear", 1000, 0.00085, 0.012), cumulative product in float64, cast to float32
        int[] timesteps = {0, 1, 2, 3, 10, 250, 500, 750, 998, 999};
        float[] expected = {
            0.99915f,
            0.998296f,
            0.9974381f,
            0.9965762f,
            0.9904313f,
            0.6737926f,
            0.27633268f,
            0.05616985f,
            0.004716699f,
            0.0046600983f
        };

        float[] table = AlphasCumprod.scaledLinear();

        assertThat(table).hasSize(1000);
        for (int i = 0; i < timesteps.length; i++) {
            assertThat(table[timesteps[i]]).as("t = %d", timesteps[i]).isEqualTo(expected[i]);
        }
    }
}
