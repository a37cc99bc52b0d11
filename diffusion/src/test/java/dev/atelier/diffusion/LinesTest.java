package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lines and edges, held to OpenCV. */
class LinesTest {
    private final Fixture fixture = Fixture.open("lines.safetensors");
    private final Bitmap picture = fixture.bitmap("picture");

    @Test
    void cannyFindsTheEdgesThatOpenCvFinds() {
        Bitmap edges = Extraction.named("canny").of(picture, List.of());
        assertThat(edges.channels()).isEqualTo(3);
        assertThat(edges.channel(2).levels()).isEqualTo(fixture.bitmap("canny").levels());
    }

    @Test
    void linesAreThoseOfTheExtensionButForRounding() {
        int[] lines = Extraction.named("Lineart_standard (from white bg & black line)")
                .of(picture, List.of())
                .channel(0)
                .levels();
        int[] expected = fixture.bitmap("lineart").levels();
        for (int i = 0; i < lines.length; i++) {
            assertThat(lines[i]).isCloseTo(expected[i], within(1));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "canny, 30 90, canny_low, 0",
        "scribble_xdog, '', scribble, 0",
        "scribble_xdog, 12, scribble_12, 0",
        "threshold, '', threshold, 0",
        "blur_gaussian, 1.5, blur, 1",
        "recolor_luminance, '', luminance, 1",
        "recolor_luminance, 0.8, luminance_gamma, 2",
        "recolor_intensity, 1.3, intensity, 1"
    })
    void othersAreThoseOfOpenCv(String name, String thresholds, String expected, int tolerance) {
        List<Double> numbers = Stream.of(thresholds.split(" "))
                .filter(text -> !text.isEmpty())
                .map(Double::valueOf)
                .toList();
        assertNear(Extraction.named(name).of(picture, numbers).channel(0), fixture.bitmap(expected), tolerance);
    }

    @Test
    void picturesBecomeSmallerAndSquareAsInOpenCv() {
        assertNear(PlainProcessing.smaller(picture, 32, 21), fixture.bitmap("smaller"), 1);
        Bitmap large = Resampling.NEAREST.resize(picture, 210, 150);
        Bitmap squares = Extraction.named("t2ia_color_grid").of(large, List.of());
        Bitmap expected = fixture.bitmap("squares"); // every tenth pixel of every tenth row
        for (int i = 0; i < expected.levels().length; i++) {
            int place = i % (expected.width() * expected.height());
            int level = squares.level(
                    i / (expected.width() * expected.height()),
                    place % expected.width() * 10,
                    place / expected.width() * 10);
            assertThat(level).isCloseTo(expected.levels()[i], within(1));
        }
        assertThat(Extraction.TILE.of(picture, List.of())).isSameAs(picture);
        assertThat(Extraction.TILE.of(picture, List.of(2.0)).size()).isEqualTo(picture.size());
    }

    private static void assertNear(Bitmap actual, Bitmap expected, int tolerance) {
        assertThat(actual.size()).isEqualTo(expected.size());
        for (int i = 0; i < expected.levels().length; i++) {
            assertThat(actual.levels()[i]).isCloseTo(expected.levels()[i], within(tolerance));
        }
    }

    @Test
    void whatNeedsANetworkIsRefusedByName() {
        assertThatThrownBy(() -> Extraction.named("openpose_full"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("openpose_full")
                .hasMessageContaining("canny");
        assertThat(Extraction.named("").of(picture, List.of())).isSameAs(picture);
    }
}
