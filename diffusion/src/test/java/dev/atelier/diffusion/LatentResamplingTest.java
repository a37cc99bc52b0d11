package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LatentResamplingTest {
    private static final Fixture FIXTURE = Fixture.open("latent-operations.safetensors");

    @ParameterizedTest
    @CsvSource({
        "BILINEAR, bilinear",
        "BILINEAR_ANTIALIASED, bilinear-antialias",
        "BICUBIC, bicubic",
        "BICUBIC_ANTIALIASED, bicubic-antialias",
        "NEAREST, nearest",
        "NEAREST_EXACT, nearest-exact"
    })
    void agreesWithTorch(LatentResampling resampling, String name) {
        FloatArray latents = FIXTURE.array("latents");
        assertClose(resampling.resize(latents, 9, 11), FIXTURE.array(name + "-9x11"));
        assertClose(resampling.resize(latents, 4, 3), FIXTURE.array(name + "-4x3"));
    }

    private static void assertClose(FloatArray actual, FloatArray expected) {
        assertThat(actual.shape()).isEqualTo(expected.shape());
        assertThat(actual.values()).containsExactly(expected.values(), within(5e-6f));
    }
}
