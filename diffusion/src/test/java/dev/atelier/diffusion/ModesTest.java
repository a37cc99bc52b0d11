package dev.atelier.diffusion;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.diffusion.GenerationListener.Course;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole requests of every mode, on a model whose answers are known. */
class ModesTest {
    private static final GenerationListener NOBODY = (phase, done, total) -> {};
    private static final int TEAL = 0x206080;
    private static final int SAND = 0xC0A060;

    private final LinearModel model = new LinearModel();

    private List<GeneratedImage> draw(GenerationRequest request, GenerationListener listener) {
        return new Pipeline(model, () -> new ModelLabel("linear", null), "Atelier 1.0").generate(request, listener);
    }

    private GeneratedImage draw(GenerationRequest request) {
        return draw(request, NOBODY).getFirst();
    }

    private static GenerationRequest request() {
        return GenerationRequest.of("a cat").sampler("Euler").steps(10).seed(7).size(128, 64);
    }

    private static BufferedImage plain(int width, int height, int color) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(i % width, i / width, color);
        }
        return image;
    }

    /** Black, with a white rectangle. */
    private static BufferedImage mask(int width, int height, Box white) {
        BufferedImage image = plain(width, height, 0);
        for (int y = white.top(); y < white.bottom(); y++) {
            for (int x = white.left(); x < white.right(); x++) {
                image.setRGB(x, y, 0xFFFFFF);
            }
        }
        return image;
    }

    private static int[] pixels(GeneratedImage image) {
        BufferedImage pixels = image.pixels();
        return pixels.getRGB(0, 0, pixels.getWidth(), pixels.getHeight(), null, 0, pixels.getWidth());
    }

    private static int[] levels(int rgb) {
        return new int[] {rgb >> 16 & 0xFF, rgb >> 8 & 0xFF, rgb & 0xFF};
    }

    private static void assertColor(int rgb, int expected, int tolerance) {
        for (int i = 0; i < 3; i++) {
            assertThat(levels(rgb)[i]).isBetween(levels(expected)[i] - tolerance, levels(expected)[i] + tolerance);
        }
    }

    @Test
    void theLessItMayChangeTheMoreAPictureStaysAsItWas() {
        double before = 0;
        for (double strength : new double[] {0.05, 0.3, 0.9}) {
            GeneratedImage image = draw(
                    request().imageToImage(ImageToImage.of(plain(128, 64, TEAL)).denoisingStrength(strength)));
            double change = 0;
            for (int rgb : pixels(image)) {
                for (int i = 0; i < 3; i++) {
                    change += Math.abs(levels(rgb)[i] - levels(TEAL)[i]);
                }
            }
            assertThat(change).isGreaterThan(before);
            before = change;
        }
        assertThat(model.calls).contains("encode picture 1", "unet 2x77");
    }

    @Test
    void theSameRequestGivesTheSamePicture() {
        GenerationRequest request = request().imageToImage(ImageToImage.of(plain(50, 90, TEAL)));
        assertThat(pixels(draw(request))).isEqualTo(pixels(draw(request)));
    }

    @ParameterizedTest
    @EnumSource
    void everyResizeModeGivesThePictureItsSize(ResizeMode mode) {
        GenerationRequest request =
                request().imageToImage(ImageToImage.of(plain(56, 96, TEAL)).resizeMode(mode));
        assertThat(draw(request).pixels().getWidth()).isEqualTo(128);
        assertThat(draw(request).pixels().getHeight()).isEqualTo(64);
    }

    @ParameterizedTest
    @EnumSource
    void outsideTheMaskThePictureIsKept(MaskedContent content) {
        Inpainting inpainting =
                Inpainting.of(mask(128, 64, new Box(64, 0, 128, 64))).blur(0, 0).content(content);
        GeneratedImage image = draw(
                request().imageToImage(ImageToImage.of(plain(128, 64, TEAL)).inpainting(inpainting)));
        for (int i = 0; i < 128 * 64; i++) {
            if (i % 128 < 64) {
                assertThat(pixels(image)[i] & 0xFFFFFF).isEqualTo(TEAL);
            }
        }
        assertThat(image.pixels().getRGB(100, 32) & 0xFFFFFF).isNotEqualTo(TEAL);
    }

    @Test
    void anInvertedMaskKeepsWhatIsWhite() {
        Inpainting inpainting =
                Inpainting.of(mask(128, 64, new Box(0, 0, 64, 64))).blur(0, 0).inverted(true);
        GeneratedImage image = draw(
                request().imageToImage(ImageToImage.of(plain(128, 64, TEAL)).inpainting(inpainting)));
        assertColor(image.pixels().getRGB(20, 20), TEAL, 0);
        assertThat(image.pixels().getRGB(100, 32) & 0xFFFFFF).isNotEqualTo(TEAL);
        assertThat(image.infotext()).contains("Denoising strength: 0.75", "Mask mode: Inpaint not masked");
    }

    /** The run sees a close-up; the picture keeps its size. */
    @Test
    void onlyTheMaskedPartIsDrawnInFullSize() {
        BufferedImage picture = plain(400, 300, SAND);
        Inpainting inpainting = Inpainting.of(mask(400, 300, new Box(200, 150, 240, 170)))
                .blur(2, 2)
                .onlyMasked(8);
        GeneratedImage image =
                draw(request().imageToImage(ImageToImage.of(picture).inpainting(inpainting)));
        assertThat(image.pixels().getWidth()).isEqualTo(400);
        assertThat(image.pixels().getHeight()).isEqualTo(300);
        assertColor(image.pixels().getRGB(20, 20), SAND, 0);
        assertColor(image.pixels().getRGB(190, 160), SAND, 0);
        assertThat(image.pixels().getRGB(220, 160) & 0xFFFFFF).isNotEqualTo(SAND);
        assertThat(image.infotext()).contains("Mask blur: 2, Inpaint area: Only masked, Masked area padding: 8");
    }

    @Test
    void aBlackMaskWithNothingToShowIsNoMask() {
        Inpainting nothing = Inpainting.of(plain(128, 64, 0)).onlyMasked(32);
        ImageToImage from = ImageToImage.of(plain(128, 64, TEAL));
        assertThat(pixels(draw(request().imageToImage(from.inpainting(nothing)))))
                .isEqualTo(pixels(draw(request().imageToImage(from))));
    }

    @Test
    void transparencyIsAMaskAndOtherwiseWhite() {
        BufferedImage clear = new BufferedImage(128, 64, BufferedImage.TYPE_INT_ARGB);
        GeneratedImage image =
                draw(request().imageToImage(ImageToImage.of(clear).denoisingStrength(0)));
        assertColor(image.pixels().getRGB(64, 32), 0xFFFFFF, 25); // the last noise level remains

        clear.setRGB(0, 0, 0xFF000000);
        Inpainting inpainting = Inpainting.of(clear).blur(0, 0);
        image = draw(
                request().imageToImage(ImageToImage.of(plain(128, 64, TEAL)).inpainting(inpainting)));
        assertColor(image.pixels().getRGB(64, 32), TEAL, 0);
    }

    @Test
    void inpaintingModelsSeeTheMaskAndThePictureWithoutWhatItHides() {
        List<FloatArray> inputs = new ArrayList<>();
        LinearModel inpaintingModel = new LinearModel() {
            @Override
            public int inputChannels() {
                return 9;
            }

            @Override
            public FloatArray predictNoise(FloatArray latents, float[] timesteps, UNetConditioning conditioning) {
                inputs.add(Objects.requireNonNull(conditioning.image()));
                return super.predictNoise(latents, timesteps, conditioning);
            }
        };
        Pipeline pipeline = new Pipeline(inpaintingModel, () -> new ModelLabel("linear", null), "Atelier 1.0");
        Inpainting inpainting =
                Inpainting.of(mask(128, 64, new Box(64, 0, 128, 64))).blur(0, 0);
        pipeline.generate(
                request().imageToImage(ImageToImage.of(plain(128, 64, TEAL)).inpainting(inpainting)), NOBODY);
        pipeline.generate(request(), NOBODY);

        FloatArray input = inputs.getFirst();
        assertThat(input.shape()).containsExactly(2, 5, 8, 16);
        assertThat(input.values()[0]).isZero();
        assertThat(input.values()[15]).isEqualTo(1);
        assertThat(input.values()[128]).isEqualTo(0x20 / 255f * 2 - 1);
        assertThat(input.values()[128 + 15]).isZero();
        FloatArray withoutPicture = inputs.getLast();
        assertThat(withoutPicture.values()[0]).isEqualTo(1);
        assertThat(withoutPicture.values()[128]).isZero();
    }

    private static Stream<Upscaler> upscalers() {
        return Stream.concat(Upscaler.OF_LATENTS.stream(), Upscaler.OF_PIXELS.stream());
    }

    @ParameterizedTest
    @MethodSource("upscalers")
    void aSecondPassMakesThePictureLarger(Upscaler upscaler) {
        GeneratedImage image =
                draw(request().hiresFix(HiresFix.by(1.5).upscaler(upscaler).steps(4)));
        assertThat(image.pixels().getWidth()).isEqualTo(192);
        assertThat(image.pixels().getHeight()).isEqualTo(96);
        assertThat(image.infotext())
                .contains("Size: 128x64", "Denoising strength: 0.7")
                .contains("Hires upscale: 1.5, Hires steps: 4, Hires upscaler: " + upscaler.label());
        assertThat(model.calls.stream().filter(call -> call.startsWith("unet"))).hasSize(10 + 4);
    }

    /** Of the whole picture, and of a part of it: where the mask is black nothing changes, and so the picture stays. */
    @ParameterizedTest
    @ValueSource(ints = {-1, 16})
    void softInpaintingFadesIntoWhatIsKept(int padding) {
        Inpainting inpainting = Inpainting.of(mask(256, 128, new Box(160, 0, 256, 128)))
                .blur(8, 8)
                .onlyMasked(padding)
                .soft(SoftInpainting.DEFAULT);
        assertThat(inpainting.rounded()).isFalse();
        GeneratedImage image = draw(request()
                .size(256, 128)
                .imageToImage(ImageToImage.of(plain(256, 128, TEAL)).inpainting(inpainting)));
        assertThat(image.pixels().getRGB(20, 64) & 0xFFFFFF).isEqualTo(TEAL);
        assertThat(image.pixels().getRGB(230, 64) & 0xFFFFFF).isNotEqualTo(TEAL);
        assertThat(image.infotext())
                .contains("Soft inpainting enabled: True, Soft inpainting schedule bias: 1.0,")
                .contains("Soft inpainting difference contrast: 2.0");
    }

    @Test
    void aSecondPassMayCropToItsSize() {
        GeneratedImage image = draw(request().hiresFix(HiresFix.to(200, 200).steps(2)));
        assertThat(image.pixels().getWidth()).isEqualTo(200);
        assertThat(image.pixels().getHeight()).isEqualTo(200);
        assertThat(image.infotext()).contains("Hires resize: 200x200");
        image = draw(request().hiresFix(HiresFix.to(192, 0).steps(2)));
        assertThat(image.pixels().getHeight()).isEqualTo(96);
    }

    @Test
    void aSecondPassThatIsTooLargeIsRefusedBeforeTheFirst() {
        assertThatThrownBy(() -> draw(request().size(2048, 512).hiresFix(HiresFix.by(4))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("8192 × 2048");
        assertThat(model.calls).isEmpty();
    }

    @Test
    void batchesContinueTheSeeds() {
        List<GeneratedImage> images = draw(request().batchSize(2).iterations(2), NOBODY);
        assertThat(images).extracting(GeneratedImage::seed).containsExactly(7L, 8L, 9L, 10L);
        assertThat(pixels(images.get(3))).isEqualTo(pixels(draw(request().seed(10))));
    }

    @Test
    void variationsShareTheSeed() {
        List<GeneratedImage> images = draw(request().batchSize(2).variation(new Variation(100, 0.2)), NOBODY);
        assertThat(images).extracting(GeneratedImage::seed).containsExactly(7L, 7L);
        assertThat(images.get(1).infotext()).contains("Seed: 7,", "Variation seed: 101, Variation seed strength: 0.2");
        assertThat(pixels(images.get(1)))
                .isEqualTo(pixels(draw(request().variation(new Variation(101, 0.2)))))
                .isNotEqualTo(pixels(images.get(0)));
    }

    @ParameterizedTest
    @EnumSource(names = {"SKIP", "STOP"})
    void aRunThatIsStoppedGivesWhatItHas(Course course) {
        List<BufferedImage> previews = new ArrayList<>();
        GenerationListener impatient = new GenerationListener() {
            private int steps;

            @Override
            public void progress(Phase phase, int done, int total) {}

            @Override
            public Course step(Supplier<List<BufferedImage>> pictures) {
                previews.addAll(pictures.get());
                return ++steps == 3 ? course : Course.CONTINUE;
            }
        };
        List<GeneratedImage> images = draw(request().iterations(2), impatient);
        int batches = course == Course.STOP ? 1 : 2;
        assertThat(images).hasSize(batches);
        assertThat(previews).hasSize(batches == 1 ? 3 : 13);
        assertThat(previews.getFirst().getWidth()).isEqualTo(16);
        assertThat(previews.getFirst().getHeight()).isEqualTo(8);
    }

    @Test
    void progressRunsOverAllBatchesAndPasses() {
        List<String> heard = new ArrayList<>();
        draw(request().steps(2).iterations(2).hiresFix(HiresFix.by(1.5)), (phase, done, total) -> {
            if (phase == GenerationListener.Phase.SAMPLING) {
                heard.add(done + "/" + total);
            }
        });
        assertThat(heard)
                .containsExactly("0/8", "1/8", "2/8", "2/8", "3/8", "4/8", "4/8", "5/8", "6/8", "6/8", "7/8", "8/8");
    }

    private static String unetCalls(LinearModel model) {
        return model.calls.stream()
                .filter(call -> call.startsWith("unet"))
                .map(call -> call.substring(5, 6))
                .collect(joining());
    }

    /** A row for the prompt and one for the negative prompt, or the prompt's alone. */
    @ParameterizedTest
    @CsvSource({
        "0, 0, false, false, 2222222222",
        "0.2, 0, false, false, 1112222222",
        "0, 1, true, false, 2222221111",
        "0, 1, false, false, 2222222121",
        "0, 0, false, true, 11111111111111111111"
    })
    void theNegativePromptIsLeftOutWhereItIsAskedFor(
            double early, double minSigma, boolean all, boolean split, String rows) {
        draw(request().guidance(new GuidanceOptions(early, minSigma, all, split)));
        assertThat(unetCalls(model)).isEqualTo(rows);
    }

    @Test
    void guidanceInTwoCallsGivesTheSamePicture() {
        GuidanceOptions split = new GuidanceOptions(0, 0, false, true);
        assertThat(pixels(draw(request().guidance(split)))).isEqualTo(pixels(draw(request())));
    }

    @Test
    void aModelThatEditsPicturesSeesThePictureBesideTheLatents() {
        List<FloatArray> inputs = new ArrayList<>();
        LinearModel editing = new LinearModel() {
            @Override
            public int inputChannels() {
                return 8;
            }

            @Override
            public FloatArray predictNoise(FloatArray latents, float[] timesteps, UNetConditioning conditioning) {
                inputs.add(Objects.requireNonNull(conditioning.image()));
                return super.predictNoise(latents, timesteps, conditioning);
            }
        };
        new Pipeline(editing, () -> new ModelLabel("linear", null), "Atelier 1.0")
                .generate(request().imageToImage(ImageToImage.of(plain(128, 64, TEAL))), NOBODY);
        FloatArray input = inputs.getFirst();
        assertThat(input.shape()).containsExactly(3, 4, 8, 16);
        float expected = (float) ((0x20 / 255f * 2 - 1) / editing.family().latentScale());
        assertThat(input.values()[0]).isCloseTo(expected, within(1e-4f));
        for (float value : input.rows(2, 3).values()) {
            assertThat(Math.abs(value)).isZero();
        }
    }

    @Test
    void aRefinerFinishesWhatTheModelBegan() {
        LinearModel other = new LinearModel();
        List<String> released = new ArrayList<>();
        LaterModel refiner = new LaterModel() {
            @Override
            public LinearModel model() {
                return other;
            }

            @Override
            public ModelLabel label() {
                return new ModelLabel("refiner", "abc");
            }

            @Override
            public void release() {
                released.add("refiner");
            }
        };
        Pipeline pipeline = new Pipeline(
                model, null, refiner, ExtraNetworks.NONE, () -> new ModelLabel("linear", null), "Atelier 1.0");
        String infotext = pipeline.generate(request().refinerSwitchAt(0.5), NOBODY)
                .getFirst()
                .infotext();
        assertThat(infotext).contains("Refiner: refiner [abc], Refiner switch at: 0.5");
        assertThat(unetCalls(model)).hasSize(5);
        assertThat(unetCalls(other)).hasSize(5);
        assertThat(released).hasSize(1);

        pipeline.generate(
                request().refinerSwitchAt(0.5).hiresFix(HiresFix.by(1.5).steps(4)), NOBODY);
        assertThat(unetCalls(model).length()).isGreaterThanOrEqualTo(5 + 10);
    }

    @Test
    void severalPicturesToStartFromAreABatch() {
        GenerationRequest request = request().sampler("Euler a");
        BufferedImage hat = mask(128, 64, new Box(32, 16, 96, 48));
        for (Inpainting inpainting :
                new Inpainting[] {null, Inpainting.of(hat), Inpainting.of(hat).onlyMasked(8)}) {
            ImageToImage both = ImageToImage.of(List.of(plain(128, 64, TEAL), plain(128, 64, SAND)))
                    .inpainting(inpainting);
            List<GeneratedImage> images = draw(request.imageToImage(both).iterations(2), NOBODY);
            assertThat(images).extracting(GeneratedImage::seed).containsExactly(7L, 8L, 9L, 10L);
            for (int i = 0; i < 4; i++) {
                ImageToImage one = ImageToImage.of(plain(128, 64, i % 2 == 0 ? TEAL : SAND))
                        .inpainting(inpainting);
                assertThat(pixels(images.get(i)))
                        .isEqualTo(pixels(draw(request.seed(7 + i).imageToImage(one))));
            }
        }
    }

    @Test
    void aBatchIsAsLargeAsThePicturesAreMany() {
        ImageToImage two = ImageToImage.of(List.of(plain(8, 8, TEAL), plain(8, 8, SAND)));
        assertThat(request().batchSize(5).imageToImage(two).batchSize()).isEqualTo(2);
        assertThat(request().imageToImage(two).batchSize(1).batchSize()).isEqualTo(2);
        assertThatThrownBy(() -> ImageToImage.of(List.of())).isInstanceOf(IllegalArgumentException.class);
    }
}
