package dev.atelier;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.PromptTag;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.model.EngineModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetConditioning;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Hypernetworks that prompts name, held to AUTOMATIC1111's own code; see the README beside the numbers. */
class HypernetworkTest {
    private static final double TOLERANCE = 1e-5;

    @TempDir
    static Path folder;

    private static StableDiffusion miniature;
    private static Reference reference;

    @BeforeAll
    static void unpack() throws IOException {
        Path hypernetworks = Files.createDirectory(folder.resolve("hypernetworks"));
        unpack("hypernetwork-deep.pt", hypernetworks.resolve("deep.pt"));
        unpack("hypernetwork-first.pt", hypernetworks.resolve("first.pt"));
        Path odd = folder.resolve("odd.safetensors");
        Checkpoint deep = Checkpoints.open(hypernetworks.resolve("deep.pt"));
        deep.withMetadata(Map.of("activation_func", "mish")).writeTo(odd, Progress.NONE);
        Files.move(odd, hypernetworks.resolve("odd.safetensors"));
        miniature = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        Path numbers = folder.resolve("numbers.safetensors");
        unpack("hypernetworks.safetensors", numbers);
        reference = new Reference(Checkpoints.open(numbers));
    }

    private static void unpack(String resource, Path file) throws IOException {
        try (InputStream stored = Objects.requireNonNull(HypernetworkTest.class.getResourceAsStream(resource))) {
            Files.copy(stored, file);
        }
    }

    private static PromptTag tag(String name, String strength) {
        return new PromptTag("hypernet", List.of(name, strength), Map.of());
    }

    private static FloatArray noise(EngineModel<?> model) {
        return model.predictNoise(
                reference.array("latents"), new float[] {981, 37.5f}, UNetConditioning.of(reference.array("context")));
    }

    @ParameterizedTest
    @EnumSource
    void theUnetAnswersAsThere(Engine engine) {
        List<String> notes = new ArrayList<>();
        try (EngineModel<?> model = engine.load(miniature, Progress.NONE);
                PromptNetworks networks =
                        new PromptNetworks(miniature, model, ModelOptions.DEFAULT.models(List.of(folder)))) {
            FloatArray plain = noise(model);
            networks.apply(List.of(tag("deep", "1")), notes::add);
            assertThat(relativeError(noise(model), reference.array("deep"))).isLessThan(TOLERANCE);
            networks.apply(List.of(tag("deep", "0.7"), tag("first", "1")), notes::add);
            assertThat(relativeError(noise(model), reference.array("both"))).isLessThan(TOLERANCE);
            networks.apply(List.of(tag("deep", "0.3")), notes::add);
            assertThat(relativeError(noise(model), reference.array("weak"))).isLessThan(TOLERANCE);
            networks.apply(List.of(), notes::add);
            assertThat(noise(model).values()).isEqualTo(plain.values());
            assertThat(relativeError(plain, reference.array("weak"))).isGreaterThan(100 * TOLERANCE);
        }
        assertThat(notes).isEmpty();
    }

    @Test
    void whatCannotBeUsedIsToldByName() {
        List<String> notes = new ArrayList<>();
        try (EngineModel<?> model = Engine.ONNX.load(miniature, Progress.NONE);
                PromptNetworks networks =
                        new PromptNetworks(miniature, model, ModelOptions.DEFAULT.models(List.of(folder)))) {
            networks.apply(List.of(tag("nope", "1"), tag("odd", "1"), tag("deep", "much")), notes::add);
        }
        assertThat(notes).hasSize(3);
        assertThat(notes.get(0)).isEqualTo("there is no hypernetwork \"nope\"; the picture is drawn without it");
        assertThat(notes.get(1)).contains("\"odd\" cannot be used", "\"mish\"");
        assertThat(notes.get(2)).contains("\"deep\" is no number");
    }
}
