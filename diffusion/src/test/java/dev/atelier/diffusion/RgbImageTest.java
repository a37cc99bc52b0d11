package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.model.FloatArray;
import java.awt.image.BufferedImage;
import org.junit.jupiter.api.Test;

class RgbImageTest {

    @Test
    void valuesAreClampedStretchedAndCutOff() {
        // 0.9999 is level 254.98: rounding would make it 255
        float[] planes = {-1, 1, 0, 0.9999f, -2, 2};
        BufferedImage image = RgbImage.of(FloatArray.of(planes, 1, 3, 1, 2));
        assertThat(image.getRGB(0, 0)).isEqualTo(0xFF007F00);
        assertThat(image.getRGB(1, 0)).isEqualTo(0xFFFFFEFF);
    }
}
