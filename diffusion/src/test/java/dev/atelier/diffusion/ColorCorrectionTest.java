package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ColorCorrectionTest {

    @Test
    void coloursAreThoseOfAutomatic1111ButForRounding() throws IOException {
        Bitmap all;
        try (InputStream stored =
                Objects.requireNonNull(ColorCorrectionTest.class.getResourceAsStream("color-correction.png"))) {
            all = Bitmap.rgba(ImageFile.read(stored.readAllBytes())).rgb();
        }
        Bitmap given = all.crop(0, 0, 32, 24);
        Bitmap expected = all.crop(64, 0, 32, 24);
        Bitmap corrected = new ColorCorrection(all.crop(32, 0, 32, 24)).apply(given);
        int sum = 0;
        for (int i = 0; i < expected.levels().length; i++) {
            int difference = Math.abs(corrected.levels()[i] - expected.levels()[i]);
            assertThat(difference).isLessThanOrEqualTo(5);
            sum += difference;
        }
        assertThat((double) sum / expected.levels().length).isLessThan(0.5);
    }

    @Test
    void aPictureKeepsItsOwnColours() {
        Bitmap picture = Bitmap.blank(3, 16, 16).map(level -> level + 90);
        assertThat(new ColorCorrection(picture).apply(picture).levels()).isEqualTo(picture.levels());
    }
}
