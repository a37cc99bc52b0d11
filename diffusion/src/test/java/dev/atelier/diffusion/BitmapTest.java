package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Resizing, blurring and compositing, level for level as Pillow and OpenCV do them. */
class BitmapTest {
    private static final Fixture FIXTURE = Fixture.open("image-operations.safetensors");

    static Stream<Arguments> operations() {
        Bitmap picture = FIXTURE.bitmap("picture");
        Bitmap mask = FIXTURE.bitmap("mask");
        Bitmap soft = FIXTURE.bitmap("blur-4-4");
        Bitmap opaque = Bitmap.rgba(picture.toImage());
        Bitmap overlay = FIXTURE.bitmap("cut-out");
        return Stream.of(
                operation("luma", picture::luma),
                operation("nearest-31x64", () -> Resampling.NEAREST.resize(picture, 31, 64)),
                operation("bicubic-8x11", () -> Resampling.BICUBIC.resize(soft, 8, 11)),
                operation("lanczos-97x50", () -> ResizeMode.JUST_RESIZE.resize(picture, 97, 50)),
                operation("lanczos-16x24", () -> ResizeMode.JUST_RESIZE.resize(picture, 16, 24)),
                operation("crop-32x32", () -> ResizeMode.CROP_AND_RESIZE.resize(picture, 32, 32)),
                operation("crop-64x24", () -> ResizeMode.CROP_AND_RESIZE.resize(picture, 64, 24)),
                operation("crop-mask-24x40", () -> ResizeMode.CROP_AND_RESIZE.resize(mask, 24, 40)),
                operation("fill-32x32", () -> ResizeMode.RESIZE_AND_FILL.resize(picture, 32, 32)),
                operation("fill-64x25", () -> ResizeMode.RESIZE_AND_FILL.resize(picture, 64, 25)),
                operation("fill-45x30", () -> ResizeMode.RESIZE_AND_FILL.resize(picture, 45, 30)),
                operation("blur-4-4", () -> Blur.gaussian(mask, 4, 4)),
                operation("blur-1-0", () -> Blur.gaussian(mask, 1, 0)),
                operation("blur-0-3", () -> Blur.gaussian(mask, 0, 3)),
                operation("blur-9-20", () -> Blur.gaussian(mask, 9, 20)),
                operation("boxes-2", () -> Blur.boxes(picture, 2)),
                operation("boxes-64", () -> Blur.boxes(picture, 64)),
                operation("cut-out", () -> Compositing.cutOut(picture, soft)),
                operation("over", () -> Compositing.over(mirrored(opaque), overlay)),
                operation(
                        "over-transparent",
                        () -> Compositing.over(
                                Bitmap.blank(4, 45, 30).paste(flipped(opaque).crop(0, 0, 30, 20), 8, 5), overlay)),
                operation("fill-mask", () -> Compositing.fill(picture, soft)));
    }

    private static Arguments operation(String name, Supplier<Bitmap> operation) {
        return Arguments.of(name, operation);
    }

    private static Bitmap flipped(Bitmap image) {
        Bitmap flipped = image;
        for (int y = 0; y < image.height(); y++) {
            flipped = flipped.paste(image.crop(0, y, image.width(), 1), 0, image.height() - 1 - y);
        }
        return flipped;
    }

    private static Bitmap mirrored(Bitmap image) {
        return Resampling.transposed(flipped(Resampling.transposed(image)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("operations")
    void everyLevelIsThatOfTheReference(String name, Supplier<Bitmap> operation) {
        Bitmap expected = FIXTURE.bitmap(name);
        Bitmap actual = operation.get();
        assertThat(actual.size()).isEqualTo(expected.size());
        if (expected.channels() == 3 && actual.channels() == 4) {
            actual = actual.rgb();
        }
        assertThat(actual.levels()).isEqualTo(expected.levels());
    }

    /** What Pillow 12.3 makes of the row 0 to 7, where every third centre falls between two pixels. */
    @Test
    void theNearestOfTwoThatAreAsNearIsPillows() {
        Bitmap row = new Bitmap(1, 1, 8, IntStream.range(0, 8).toArray());
        assertThat(Resampling.NEAREST.resize(row, 12, 1).levels()).containsExactly(0, 1, 1, 2, 2, 3, 4, 5, 5, 6, 7, 7);
    }
}
