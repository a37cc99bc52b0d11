package dev.atelier;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.ControlMode;
import dev.atelier.diffusion.ControlUnit;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.model.EngineModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.T2iAdapterModel;
import dev.atelier.model.UNetConditioning;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** T2I-Adapters for the miniatures, held to diffusers; see the README beside the numbers. */
class T2iAdapterTest {
    @TempDir
    static Path folder;

    private static Path miniature;
    private static Reference reference;

    @BeforeAll
    static void unpack() throws IOException {
        miniature = Miniature.unpack(folder);
        Path file = folder.resolve("adapters.safetensors");
        try (InputStream stored =
                Objects.requireNonNull(T2iAdapterTest.class.getResourceAsStream("adapters.safetensors"))) {
            Files.copy(stored, file);
        }
        reference = new Reference(Checkpoints.open(file));
    }

    private static Checkpoint adapter(String name) {
        return HashedWeights.of(
                Objects.requireNonNull(reference.file().metadata().get(name)), Map.of());
    }

    static Stream<Arguments> kinds() {
        return Stream.of(Engine.values())
                .flatMap(engine -> Stream.of("full", "light", "gray", "xl").map(name -> Arguments.of(engine, name)));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatItSaysAndTheUNetThatListensAgreeWithDiffusers(Engine engine, String name) throws IOException {
        boolean isXl = name.equals("xl");
        Path file = isXl ? Reference.open("sdxl.safetensors", folder).file().name() : miniature;
        FloatArray picture = reference.array(name + ".picture");
        for (int i = 0; i < picture.values().length; i++) {
            picture.values()[i] /= 255;
        }
        FloatArray latents = reference.array(name + ".latents");
        float[] timesteps = reference.array(name + ".timesteps").values();
        UNetConditioning text = new UNetConditioning(
                reference.array(name + ".context"), isXl ? reference.array("xl.vector") : null, null);
        try (EngineModel<?> model = engine.load(StableDiffusion.of(Checkpoints.open(file)), Progress.NONE)) {
            for (Checkpoint layout : List.of(adapter(name), Layout.normalize(adapter(name)))) {
                List<FloatArray> added = model.adapt(T2iAdapterModel.of(layout), picture);
                assertThat(added).hasSize(4);
                for (int i = 0; i < added.size(); i++) {
                    assertThat(relativeError(added.get(i), reference.array(name + ".adapted_" + i)))
                            .as("output %d", i)
                            .isLessThan(1e-5);
                }
                if (reference.file().has(name + ".noise")) {
                    FloatArray noise = model.predictNoise(latents, timesteps, text.withAdapted(added));
                    assertThat(relativeError(noise, reference.array(name + ".noise")))
                            .isLessThan(1e-4);
                }
            }
        }
    }

    @Test
    void itControlsARunAsAControlNetDoes() throws IOException {
        for (String name : List.of("full", "light", "xl")) {
            adapter(name).writeTo(folder.resolve(name + ".safetensors"), Progress.NONE);
        }
        try (Atelier atelier = Atelier.open(miniature, ModelOptions.DEFAULT.models(List.of(folder)), Progress.NONE)) {
            ControlUnit unit = ControlUnit.of("full", new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB));
            List<int[]> drawn = new ArrayList<>();
            drawn.add(draw(atelier));
            drawn.add(draw(atelier, unit));
            for (ControlMode mode : List.of(ControlMode.PROMPT, ControlMode.CONTROL)) {
                drawn.add(draw(atelier, unit.mode(mode)));
            }
            drawn.add(draw(atelier, ControlUnit.of("light", unit.picture())));
            for (int i = 0; i < drawn.size(); i++) {
                for (int j = 0; j < i; j++) {
                    assertThat(drawn.get(i)).isNotEqualTo(drawn.get(j));
                }
            }
            assertThat(draw(atelier, unit.layers(Collections.nCopies(4, 0.0)))).isEqualTo(drawn.getFirst());
            assertThat(draw(atelier, unit.weight(0.5), unit.weight(0.5))).isEqualTo(drawn.get(1));
            assertThatThrownBy(() -> draw(atelier, ControlUnit.of("xl", unit.picture())))
                    .isInstanceOf(InvalidCheckpointException.class)
                    .hasMessageContaining("a T2I-Adapter for another model, of [8, 16, 32, 32] channels");
        }
    }

    private static int[] draw(Atelier atelier, ControlUnit... units) {
        BufferedImage image = atelier.generate(GenerationRequest.of("a red circle")
                        .sampler("Euler")
                        .steps(2)
                        .size(64, 64)
                        .seed(301)
                        .controls(List.of(units)))
                .getFirst()
                .pixels();
        return image.getRGB(0, 0, 64, 64, null, 0, 64);
    }
}
