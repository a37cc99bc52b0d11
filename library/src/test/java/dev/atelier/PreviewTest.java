package dev.atelier;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.diffusion.GenerationListener;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.model.DemoModel;
import dev.atelier.model.EngineModel;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.TinyDecoderModel;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A TAESD decoder, held to diffusers; see the README beside the numbers. */
class PreviewTest {
    @TempDir
    static Path folder;

    private static Reference reference;
    private static Checkpoint taesd;

    @BeforeAll
    static void unpack() throws IOException {
        Path file = folder.resolve("numbers.safetensors");
        try (InputStream stored = Objects.requireNonNull(PreviewTest.class.getResourceAsStream("taesd.safetensors"))) {
            Files.copy(stored, file);
        }
        reference = new Reference(Checkpoints.open(file));
        taesd = HashedWeights.of(
                Objects.requireNonNull(reference.file().metadata().get("layout")), Map.of());
    }

    /** As the author's file of the decoder alone names them. */
    private static Checkpoint authors() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        taesd.tensors().forEach((name, tensor) -> {
            if (name.startsWith("decoder.layers.")) {
                String[] parts = name.substring("decoder.layers.".length()).split("\\.", 2);
                tensors.put((Integer.parseInt(parts[0]) + 1) + "." + parts[1], tensor);
            }
        });
        return Checkpoint.of(List.of(), tensors, Map.of());
    }

    @ParameterizedTest
    @EnumSource
    void theTinyDecoderAgreesWithDiffusers(Engine engine) {
        StableDiffusion miniature = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        try (EngineModel<?> model = engine.load(miniature, Progress.NONE)) {
            for (Checkpoint layout : List.of(taesd, authors())) {
                var pictures = model.decode(TinyDecoderModel.of(layout), reference.array("latents"));
                assertThat(relativeError(pictures, reference.array("pictures"))).isLessThan(1e-4);
            }
        }
    }

    @Test
    void previewsAreAsLargeAsThePictureWhereThereIsOne() throws IOException {
        Path models = Files.createDirectory(folder.resolve("models"));
        authors().writeTo(models.resolve("taesd_decoder.safetensors"), Progress.NONE);
        try (Atelier plain = Atelier.open(Miniature.unpack(folder));
                Atelier shown = Atelier.open(
                        Miniature.unpack(folder), ModelOptions.DEFAULT.models(List.of(models)), Progress.NONE)) {
            assertThat(previewWidth(plain)).isEqualTo(8);
            assertThat(previewWidth(shown)).isEqualTo(64);
        }
    }

    /** The built-in model's VAE is its own: sums of its latents' channels would have other colours. */
    @Test
    void smallModelsArePreviewedByTheirOwnVae() {
        GenerationRequest request = GenerationRequest.of("a red circle on a blue background")
                .seed(1)
                .steps(4);
        try (Atelier atelier = Atelier.open(DemoModel.unpack(folder))) {
            List<BufferedImage> previews = previews(atelier, request);
            BufferedImage drawn = atelier.generate(request).getFirst().pixels();
            int[] last = previews.getLast().getRGB(0, 0, 128, 128, null, 0, 128);
            assertThat(last).isEqualTo(drawn.getRGB(0, 0, 128, 128, null, 0, 128));
        }
    }

    private static int previewWidth(Atelier atelier) {
        return previews(atelier, GenerationRequest.of("a cat").size(64, 64).steps(1))
                .getFirst()
                .getWidth();
    }

    private static List<BufferedImage> previews(Atelier atelier, GenerationRequest request) {
        List<BufferedImage> previews = new ArrayList<>();
        atelier.generate(request, new GenerationListener() {
            @Override
            public void progress(Phase phase, int done, int total) {}

            @Override
            public Course step(Supplier<List<BufferedImage>> pictures) {
                previews.add(pictures.get().getFirst());
                return Course.CONTINUE;
            }
        });
        return previews;
    }

    @Test
    void whatIsNoneIsRefused() {
        assertThatThrownBy(() -> TinyDecoderModel.of(authors().filter(name -> !name.equals("18.conv.2.bias"))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("18.conv.2.bias");
        assertThatThrownBy(() -> TinyDecoderModel.of(Checkpoints.open(Miniature.unpack(folder))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("TAESD");
    }
}
