package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Tiles, held to diffusers' with networks that add the mean of what they see. */
class VaeTest {
    private static final Fixture FIXTURE = Fixture.open("latent-operations.safetensors");

    private static final LinearModel MODEL = new LinearModel() {
        @Override
        public FloatArray decode(FloatArray latents) {
            return plus(super.decode(latents), average(latents));
        }

        @Override
        public FloatArray encode(FloatArray pictures) {
            FloatArray latents = super.encode(pictures);
            int plane = latents.size(2) * latents.size(3);
            System.arraycopy(latents.values(), 0, latents.values(), 3 * plane, plane);
            return plus(latents, average(pictures));
        }
    };

    private static double average(FloatArray x) {
        double sum = 0;
        for (float value : x.values()) {
            sum += value;
        }
        return sum / x.values().length;
    }

    private static FloatArray plus(FloatArray x, double constant) {
        return Latents.combine(x, x, (value, same) -> (float) (value + constant));
    }

    @Test
    void decodingInTilesAgreesWithDiffusers() {
        FloatArray image = new Vae(MODEL, true).decode(FIXTURE.array("tiled-latents"));
        assertThat(image.shape()).containsExactly(1, 3, 800, 560);
        // the means of 8 × 8 pixels
        FloatArray means = new LinearModel().encode(image);
        FloatArray expected = FIXTURE.array("tiled-image");
        assertThat(Arrays.copyOf(means.values(), expected.values().length))
                .containsExactly(expected.values(), within(2e-5f));
    }

    @Test
    void encodingInTilesAgreesWithDiffusers() {
        FloatArray picture = LatentResampling.NEAREST.resize(FIXTURE.array("tiled-picture"), 600, 800);
        FloatArray latents = new Vae(MODEL, true).encode(picture);
        FloatArray expected = FIXTURE.array("tiled-encoded");
        assertThat(latents.shape()).isEqualTo(expected.shape());
        assertThat(latents.values()).containsExactly(expected.values(), within(2e-5f));
    }

    @Test
    void withoutTilesTheNetworkSeesThePictureWhole() {
        FloatArray latents = FIXTURE.array("tiled-latents");
        assertThat(new Vae(MODEL, false).decode(latents).values())
                .isEqualTo(MODEL.decode(latents).values());
    }
}
