package dev.atelier;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.ExtraNetworks;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.Pipeline;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.model.EngineModel;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Prompts as people write them, held to what AUTOMATIC1111's own code makes of them; see the README beside the numbers. */
class LongPromptTest {
    private static final double TOLERANCE = 1e-4;

    @TempDir
    static Path folder;

    private static Path miniature;
    private static Reference reference;

    @BeforeAll
    static void unpack() throws IOException {
        miniature = Miniature.unpack(folder);
        Path prompts = folder.resolve("prompts.safetensors");
        try (InputStream stored =
                Objects.requireNonNull(LongPromptTest.class.getResourceAsStream("prompts.safetensors"))) {
            Files.copy(stored, prompts);
        }
        reference = new Reference(Checkpoints.open(prompts));
        Path embeddings = Files.createDirectory(folder.resolve("embeddings"));
        reference.file().tensors().forEach((name, tensor) -> {
            if (name.startsWith("embedding.")) {
                Path file = embeddings.resolve(name.substring("embedding.".length()) + ".safetensors");
                Checkpoint.of(List.of(), Map.of("emb_params", tensor), Map.of()).writeTo(file, Progress.NONE);
            }
        });
    }

    private static String text(String name) {
        return Objects.requireNonNull(reference.file().metadata().get(name));
    }

    @ParameterizedTest
    @CsvSource({"ONNX, prompt", "ONNX, negative", "ONNX, edge", "TORCH, prompt", "TORCH, negative", "TORCH, edge"})
    void theConditioningIsThatOfAutomatic1111(Engine engine, String name) {
        Spy spy = new Spy();
        StableDiffusion checked = StableDiffusion.of(Checkpoints.open(miniature));
        try (EngineModel<?> model = engine.load(checked, Progress.NONE)) {
            GenerationRequest request = GenerationRequest.of(text(name))
                    .negativePrompt("x")
                    .sampler("Euler")
                    .size(64, 64)
                    .steps(1);
            ExtraNetworks networks = new PromptNetworks(checked, model, ModelOptions.DEFAULT.models(List.of(folder)));
            new Pipeline(spy.on(model), null, null, networks, () -> new ModelLabel("miniature", null), "Atelier")
                    .generate(request, (phase, done, total) -> {});
        }
        assertThat(relativeError(spy.contexts.getFirst(), reference.array(name)))
                .isLessThan(TOLERANCE);
    }

    @Test
    void theWholeRequestIsDrawn() {
        try (Atelier atelier = Atelier.open(miniature, ModelOptions.DEFAULT.models(List.of(folder)), Progress.NONE)) {
            List<GeneratedImage> images = atelier.generate(GenerationRequest.of(text("prompt"))
                    .negativePrompt(text("negative"))
                    .sampler("DPM++ 2M Karras")
                    .cfgScale(5)
                    .steps(20)
                    .batchSize(4)
                    .size(64, 64)
                    .seed(7));
            assertThat(images).extracting(GeneratedImage::seed).containsExactly(7L, 8L, 9L, 10L);
            assertThat(images.getLast().infotext())
                    .containsPattern(
                            "TI hashes: \"EasyNegative: \\w{12}, bad-hands-5: \\w{12}, NG_DeepNegative_V1_75T");
        }
    }
}
