package dev.atelier;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationListener.Phase;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.ImageToImage;
import dev.atelier.diffusion.SdUpscale;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.diffusion.Upscaling;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UpscalerModel;
import dev.atelier.model.UpscalingNetwork;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Upscaling networks, held to their authors' and to AUTOMATIC1111; see the README beside the numbers. */
class UpscalerTest {
    private static final List<String> NETWORKS =
            List.of("x4", "x2", "x1", "wide", "first", "first_x2", "first_x8", "compact", "compact_x2");

    @TempDir
    static Path folder;

    private static Reference reference;

    @BeforeAll
    static void unpack() throws IOException {
        Path file = folder.resolve("numbers.safetensors");
        try (InputStream stored =
                Objects.requireNonNull(UpscalerTest.class.getResourceAsStream("upscalers.safetensors"))) {
            Files.copy(stored, file);
        }
        reference = new Reference(Checkpoints.open(file));
        Path esrgan = Files.createDirectories(folder.resolve("models/ESRGAN"));
        for (String name : NETWORKS) {
            weights(name).writeTo(esrgan.resolve(name + ".safetensors"), Progress.NONE);
        }
    }

    private static Checkpoint weights(String name) {
        return HashedWeights.of(
                Objects.requireNonNull(reference.file().metadata().get(name)), Map.of());
    }

    private static ModelOptions options(Engine engine) {
        return ModelOptions.DEFAULT.engine(engine).models(List.of(folder.resolve("models")));
    }

    @ParameterizedTest
    @EnumSource
    void networksAgreeWithTheirAuthors(Engine engine) {
        for (String name : NETWORKS) {
            FloatArray expected = reference.array(name);
            UpscalerModel model = UpscalerModel.of(weights(name));
            FloatArray pictures = pictures(expected.size(3) / model.scale(), expected.size(0));
            try (UpscalingNetwork network = options(engine).load(model)) {
                assertThat(network.scale()).isEqualTo(model.scale());
                assertThat(relativeError(network.enlarge(pictures), expected))
                        .as(name)
                        .isLessThan(1e-5);
            }
        }
    }

    private static FloatArray pictures(int width, int count) {
        FloatArray all = reference.array("pictures").rows(0, count);
        if (width == all.size(3)) {
            return all;
        }
        float[] values = new float[count * 3 * all.size(2) * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = all.values()[i / width * all.size(3) + i % width];
        }
        return FloatArray.of(values, count, 3, all.size(2), width);
    }

    @ParameterizedTest
    @CsvSource({"x4, 1.7, 0, 0, 400, 210", "compact_x2, 5, 0, 0, 60, 40", "x1, 1, 10, 10, 320, 180"})
    void picturesAreWhatAutomatic1111Makes(String name, double factor, int left, int top, int width, int height) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                image.setRGB(
                        x,
                        y,
                        level(left + x, top + y, 0) << 16
                                | level(left + x, top + y, 1) << 8
                                | level(left + x, top + y, 2));
            }
        }
        List<String> tiles = new ArrayList<>();
        BufferedImage large;
        try (Enlarger enlarger = Enlarger.of(options(Engine.ONNX))) {
            Upscaling.Tiles listener = (done, total) -> tiles.add(done + "/" + total);
            large = enlarger.with(new Upscaler(name), listener).by(image, factor);
        }
        FloatArray expected = reference.array("picture_" + name);
        assertThat(new float[] {large.getHeight(), large.getWidth()})
                .isEqualTo(reference.array("size_" + name).values());
        int[] differences = new int[256];
        for (int i = 0; i < expected.values().length; i++) {
            int pixel = large.getRGB(i / 3 % expected.size(1) * 11, i / 3 / expected.size(1) * 9);
            int level = pixel >> (16 - 8 * (i % 3)) & 0xFF;
            differences[Math.abs(level - (int) expected.values()[i])]++;
        }
        assertThat(Arrays.stream(differences, 2, 256).sum()).isZero();
        assertThat(differences[1]).isLessThan(expected.values().length / 1000 + 1);
        assertThat(tiles.getLast().split("/")[0]).isEqualTo(tiles.getLast().split("/")[1]);
    }

    private static int level(int x, int y, int channel) {
        return (x * 3 + y * (channel + 2)) / 5 % 256;
    }

    @Test
    void aHiresFixAndAPictureToStartFromTakeOne() {
        try (Atelier atelier = Atelier.open(Miniature.unpack(folder), options(Engine.ONNX), Progress.NONE)) {
            List<Phase> phases = new ArrayList<>();
            GenerationRequest request =
                    GenerationRequest.of("a cat").size(64, 64).steps(1);
            HiresFix hires = HiresFix.by(2).denoisingStrength(0);
            GeneratedImage by = atelier.generate(
                            request.seed(1).hiresFix(hires.upscaler(new Upscaler("x4"))),
                            (phase, done, total) -> phases.add(phase))
                    .getFirst();
            GeneratedImage plain = atelier.generate(request.seed(1).hiresFix(hires.upscaler(Upscaler.LANCZOS)))
                    .getFirst();
            assertThat(by.pixels().getWidth()).isEqualTo(128);
            assertThat(by.infotext()).contains("Hires upscaler: x4");
            assertThat(phases).contains(Phase.UPSCALING);
            assertThat(by.pixels().getRGB(64, 64)).isNotEqualTo(plain.pixels().getRGB(64, 64));

            ImageToImage from = ImageToImage.of(by.pixels()).denoisingStrength(0);
            BufferedImage again = atelier.generate(
                            request.size(256, 128).imageToImage(from.upscaler(new Upscaler("compact"))))
                    .getFirst()
                    .pixels();
            assertThat(again.getWidth()).isEqualTo(256);
            assertThatThrownBy(() ->
                            atelier.generate(request.hiresFix(hires.upscaler(new Upscaler("R-ESRGAN 4x+ Anime6B")))))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("RealESRGAN_x4plus_anime_6B.pth");
        }
    }

    @Test
    void aPictureIsDrawnOverInTiles() {
        try (Atelier atelier = Atelier.open(Miniature.unpack(folder), options(Engine.ONNX), Progress.NONE)) {
            BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
            GenerationRequest request = GenerationRequest.of("a cat")
                    .size(64, 64)
                    .steps(2)
                    .seed(5)
                    .imageToImage(ImageToImage.of(image).denoisingStrength(1))
                    .sdUpscale(new SdUpscale(2, Upscaler.NEAREST, 16));
            List<Integer> progress = new ArrayList<>();
            GeneratedImage whole = atelier.generate(request, (phase, done, total) -> {
                        if (phase == Phase.SAMPLING) {
                            progress.add(100 * done / total);
                        }
                    })
                    .getFirst();
            assertThat(whole.pixels().getWidth()).isEqualTo(128);
            assertThat(whole.infotext()).contains("SD upscale overlap: 16, SD upscale upscaler: Nearest");
            assertThat(progress).isSorted().endsWith(100);
            // 3 × 3 tiles of a black picture, whose seeds count on; the fifth begins at 32, 32
            BufferedImage fifth =
                    atelier.generate(request.sdUpscale(null).seed(9)).getFirst().pixels();
            assertThat(whole.pixels().getRGB(50, 60)).isEqualTo(fifth.getRGB(18, 28));
        }
    }

    @Test
    void whatIsNoneIsRefused() {
        assertThat(Architecture.of(weights("first"))).isEqualTo(Architecture.UPSCALER);
        assertThatThrownBy(() -> UpscalerModel.of(weights("x4").filter(name -> !name.equals("body.1.rdb3.conv5.bias"))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("body.1.rdb3.conv5.bias");
        assertThatThrownBy(() -> UpscalerModel.of(weights("first").filter(name -> !name.startsWith("model.0."))))
                .isInstanceOf(InvalidCheckpointException.class);
        assertThatThrownBy(() -> UpscalerModel.of(Checkpoints.open(Miniature.unpack(folder))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("no upscaling network");
        Checkpoint other = HashedWeights.of(
                "{\"conv_first.weight\": [4, 3, 3, 3], \"conv_first.bias\": [4], \"layers.0.norm1.weight\": [4]}",
                Map.of());
        assertThatThrownBy(() -> UpscalerModel.of(other))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("SwinIR");
        assertThatThrownBy(() -> UpscalerModel.of(
                        weights("compact").cast(DType.F16).filter(name -> !name.equals("body.1.weight"))))
                .isInstanceOf(InvalidCheckpointException.class);
    }
}
