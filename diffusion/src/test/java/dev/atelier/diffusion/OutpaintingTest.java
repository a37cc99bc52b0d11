package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.diffusion.Outpainting.Method;
import dev.atelier.diffusion.Outpainting.Side;
import dev.atelier.model.FloatArray;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Held to AUTOMATIC1111's scripts; see the README beside the numbers. */
class OutpaintingTest {
    private static final Fixture FIXTURE = Fixture.open("outpainting.safetensors");
    private static final GenerationListener NOBODY = (phase, done, total) -> {};

    /** Of {@code [height, width, 3]}. */
    private static Bitmap bitmap(String name) {
        FloatArray pixels = FIXTURE.array(name);
        int plane = pixels.size(0) * pixels.size(1);
        int[] levels = new int[3 * plane];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = (int) pixels.values()[i % plane * 3 + i / plane];
        }
        return new Bitmap(3, pixels.size(0), pixels.size(1), levels);
    }

    @ParameterizedTest
    @CsvSource({"noise, 1, 0.05", "noise_2, 0.6, 0.8"})
    void theNoiseIsThatOfTheScript(String name, double falloff, double colorVariation) {
        Bitmap picture = Bitmap.blank(3, 128, 64).paste(bitmap("picture"), 32, 0);
        Bitmap mask = Bitmap.blank(1, 128, 64).inverted().paste(Bitmap.blank(1, 92, 64), 36, 0);
        int[] expected = bitmap(name).levels();
        int[] actual = MatchedNoise.of(picture, mask, falloff, colorVariation).levels();
        int others = 0;
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).isBetween(expected[i] - 1, expected[i] + 1);
            others += actual[i] == expected[i] ? 0 : 1;
        }
        assertThat(others).isLessThan(actual.length / 1000); // a level at the edge of the next
    }

    static Stream<JsonNode> runs() {
        return JsonMapper.shared()
                .readTree(FIXTURE.file().metadata().get("runs"))
                .valueStream();
    }

    @ParameterizedTest
    @MethodSource("runs")
    void whatIsDrawnAndHowItIsLaidTogetherIsThatOfTheScripts(JsonNode run) {
        String name = run.get("name").stringValue();
        Method method = name.startsWith("mk2") ? Method.MK2 : Method.POOR_MANS;
        JsonNode calls = run.get("calls");
        Outpainting how = new Outpainting(
                method,
                run.get("pixels").intValue(),
                run.get("blur").intValue(),
                run.get("sides")
                        .valueStream()
                        .map(side -> Side.named(side.stringValue()))
                        .collect(Collectors.toSet()),
                1,
                0.05,
                List.of(MaskedContent.values()).get(calls.get(0).get("content").intValue()));
        GenerationRequest request = GenerationRequest.of("a")
                .seed(1)
                .size(run.get("size").get(0).intValue(), run.get("size").get(1).intValue())
                .imageToImage(ImageToImage.of(bitmap("picture").toImage()));
        List<GenerationRequest> drawn = new ArrayList<>();

        List<GeneratedImage> pictures = new Continuation(request, how, NOBODY, (part, listener) -> {
                    int level = 30 + 20 * drawn.size();
                    drawn.add(part);
                    return List.of(new GeneratedImage(
                            mixed(part.imageToImage().images().getFirst(), level), part.seed(), "a"));
                })
                .run();

        assertThat(pictures).hasSize(1);
        assertThat(drawn).hasSize(calls.size());
        for (int i = 0; i < drawn.size(); i++) {
            JsonNode call = calls.get(i);
            GenerationRequest part = drawn.get(i);
            Inpainting inpainting = part.imageToImage().inpainting();
            assertThat(List.of(part.width(), part.height())).isEqualTo(numbers(call.get("size")));
            assertThat(List.of(inpainting.blurX(), inpainting.blurY())).isEqualTo(numbers(call.get("blur")));
            assertThat(black(inpainting.mask())).isEqualTo(numbers(call.get("mask")));
            assertThat(black(inpainting.latentMask())).isEqualTo(numbers(call.get("latentMask")));
            assertThat(inpainting.content().ordinal())
                    .isEqualTo(call.get("content").intValue());
            assertThat(part.seed()).isEqualTo(call.get("seed").longValue());
        }
        Bitmap whole = Bitmap.rgba(pictures.getFirst().pixels()).rgb();
        Bitmap expected = bitmap(name);
        assertThat(whole.size()).isEqualTo(new Size(expected.width() * 4, expected.height() * 4));
        for (int channel = 0; channel < 3; channel++) {
            for (int i = 0; i < expected.width() * expected.height(); i++) {
                int x = i % expected.width();
                int y = i / expected.width();
                assertThat(whole.level(channel, 4 * x, 4 * y))
                        .as("%d, %d of channel %d", 4 * x, 4 * y, channel)
                        .isBetween(expected.level(channel, x, y) - 1, expected.level(channel, x, y) + 1);
            }
        }
    }

    private static BufferedImage mixed(BufferedImage picture, int level) {
        return Bitmap.rgba(picture).rgb().map(old -> (old + level) / 2).toImage();
    }

    private static List<Integer> numbers(JsonNode array) {
        return array.valueStream().map(JsonNode::intValue).toList();
    }

    private static List<Integer> black(BufferedImage mask) {
        Box box = Box.of(Bitmap.rgba(mask).luma().inverted(), 0);
        return box == null ? List.of() : List.of(box.left(), box.top(), box.right(), box.bottom());
    }

    @Test
    void aPlainPictureGoesOnAsItIs() {
        Bitmap grey = Bitmap.blank(3, 64, 64).map(level -> 100);
        Bitmap mask = Bitmap.blank(1, 64, 64).paste(Bitmap.blank(1, 16, 64).inverted(), 0, 0);
        assertThat(Arrays.stream(MatchedNoise.of(grey, mask, 1, 0.05).levels())
                        .distinct()
                        .toArray())
                .containsExactly(100);
        Bitmap black = Bitmap.blank(3, 64, 64);
        assertThat(MatchedNoise.of(black, mask, 1, 0.05).levels()).containsOnly(0);
    }

    @Test
    void whatCannotBeIsRefused() {
        assertThatThrownBy(() -> Side.named("top")).hasMessageContaining("known are [left, right, up, down]");
        assertThatThrownBy(() -> new Continuation(
                                GenerationRequest.of("a"),
                                Outpainting.of(Method.MK2),
                                NOBODY,
                                (part, listener) -> List.of())
                        .run())
                .hasMessage("outpainting takes a picture to start from, and no mask");
    }
}
