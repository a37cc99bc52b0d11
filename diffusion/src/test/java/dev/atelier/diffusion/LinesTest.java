package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Lines and edges, held to OpenCV. */
class LinesTest {
    private final Fixture fixture = Fixture.open("lines.safetensors");
    private final Bitmap picture = fixture.bitmap("picture");

    @Test
    void cannyFindsTheEdgesThatOpenCvFinds() {
        Bitmap edges = Extraction.named("canny").of(picture);
        assertThat(edges.channels()).isEqualTo(3);
        assertThat(edges.channel(2).levels()).isEqualTo(fixture.bitmap("canny").levels());
    }

    @Test
    void linesAreThoseOfTheExtensionButForRounding() {
        int[] lines = Extraction.named("Lineart_standard (from white bg & black line)")
                .of(picture)
                .channel(0)
                .levels();
        int[] expected = fixture.bitmap("lineart").levels();
        for (int i = 0; i < lines.length; i++) {
            assertThat(lines[i]).isCloseTo(expected[i], within(1));
        }
    }

    @Test
    void whatNeedsANetworkIsRefusedByName() {
        assertThatThrownBy(() -> Extraction.named("openpose_full"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("openpose_full")
                .hasMessageContaining("canny");
        assertThat(Extraction.named("").of(picture)).isSameAs(picture);
    }
}
