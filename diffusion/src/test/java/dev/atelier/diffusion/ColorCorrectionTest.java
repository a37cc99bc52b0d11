package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ColorCorrectionTest {

    /** Where a picture has few colours, a level more or less decides which colour becomes which. */
    @ParameterizedTest
    @ValueSource(strings = {"color-correction.png", "color-correction-few.png"})
    void coloursAreThoseOfAutomatic1111ButForRounding(String name) throws IOException {
        Bitmap all;
        try (InputStream stored = Objects.requireNonNull(ColorCorrectionTest.class.getResourceAsStream(name))) {
            all = Bitmap.rgba(ImageFile.read(stored.readAllBytes())).rgb();
        }
        Bitmap given = all.crop(0, 0, 32, 24);
        Bitmap expected = all.crop(64, 0, 32, 24);
        Bitmap corrected = new ColorCorrection(all.crop(32, 0, 32, 24)).apply(given);
        int sum = 0;
        for (int i = 0; i < expected.levels().length; i++) {
            int difference = Math.abs(corrected.levels()[i] - expected.levels()[i]);
            assertThat(difference).isLessThanOrEqualTo(2);
            sum += difference;
        }
        assertThat((double) sum / expected.levels().length).isLessThan(0.1);
    }

    @Test
    void aPictureKeepsItsOwnColours() {
        Bitmap picture = Bitmap.blank(3, 16, 16).map(level -> level + 90);
        assertThat(new ColorCorrection(picture).apply(picture).levels()).isEqualTo(picture.levels());
    }
}
