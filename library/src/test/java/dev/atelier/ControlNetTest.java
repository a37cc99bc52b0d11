package dev.atelier;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.ControlMode;
import dev.atelier.diffusion.ControlPasses;
import dev.atelier.diffusion.ControlUnit;
import dev.atelier.diffusion.Extraction;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.NoiseSource;
import dev.atelier.diffusion.Pipeline;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.model.ControlNetModel;
import dev.atelier.model.EngineModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetConditioning;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A ControlNet for the miniature, held to diffusers and k-diffusion; see the README beside the numbers. */
class ControlNetTest {
    private static final double TOLERANCE = 1e-4;

    // the miniature's, which shapes do not tell
    private static final Map<String, String> METADATA =
            Map.of("atelier.norm_num_groups", "4", "atelier.num_attention_heads", "8");

    @TempDir
    static Path folder;

    private static Path miniature;
    private static Reference reference;
    private static Checkpoint net;

    @BeforeAll
    static void unpack() throws IOException {
        miniature = Miniature.unpack(folder);
        reference = numbers("control.safetensors");
        net = HashedWeights.of(
                Objects.requireNonNull(reference.file().metadata().get("layout")), METADATA);
        net.writeTo(folder.resolve("diffusers.safetensors"), Progress.NONE);
        Layout.normalize(net).cast(DType.F16).writeTo(folder.resolve("lines.pth.safetensors"), Progress.NONE);
    }

    private static Reference numbers(String name) throws IOException {
        Path file = folder.resolve(name);
        try (InputStream stored = Objects.requireNonNull(ControlNetTest.class.getResourceAsStream(name))) {
            Files.copy(stored, file, StandardCopyOption.REPLACE_EXISTING);
        }
        return new Reference(Checkpoints.open(file));
    }

    private static FloatArray picture(Reference reference) {
        FloatArray levels = reference.array("picture");
        float[] shares = levels.values().clone();
        for (int i = 0; i < shares.length; i++) {
            shares[i] /= 255;
        }
        return FloatArray.of(shares, levels.shape());
    }

    private static BufferedImage image() {
        FloatArray levels = reference.array("picture");
        int side = levels.size(3);
        BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < side * side; i++) {
            int rgb = 0;
            for (int channel = 0; channel < 3; channel++) {
                rgb = rgb << 8 | (int) levels.values()[channel * side * side + i];
            }
            image.setRGB(i % side, i / side, rgb);
        }
        return image;
    }

    @ParameterizedTest
    @EnumSource
    void itsOutputsAndTheControlledUNetAgreeWithDiffusers(Engine engine) {
        float[] timesteps = reference.array("timesteps").values();
        UNetConditioning text = UNetConditioning.of(reference.array("context"));
        try (EngineModel<?> model = engine.load(StableDiffusion.of(Checkpoints.open(miniature)), Progress.NONE)) {
            List<FloatArray> added = model.control(
                    ControlNetModel.of(net), reference.array("latents"), timesteps, text, picture(reference));
            assertThat(added).hasSize(13);
            for (int i = 0; i < added.size(); i++) {
                assertThat(relativeError(added.get(i), reference.array("control_" + i)))
                        .as("output %d", i)
                        .isLessThan(TOLERANCE);
            }
            FloatArray noise = model.predictNoise(reference.array("latents"), timesteps, text.withControl(added));
            assertThat(relativeError(noise, reference.array("noise"))).isLessThan(TOLERANCE);
        }
    }

    static Stream<Arguments> ofXl() {
        return Stream.of(Engine.values())
                .flatMap(engine -> Stream.of("xl", "xl-mid", "xl-small").map(name -> Arguments.of(engine, name)));
    }

    /** Also those of diffusers that attend less than the UNet, or not at all. */
    @ParameterizedTest
    @MethodSource("ofXl")
    void oneForXlAgreesWithDiffusers(Engine engine, String name) throws IOException {
        Reference numbers = numbers("control-%s.safetensors".formatted(name));
        Checkpoint xl = HashedWeights.of(
                Objects.requireNonNull(numbers.file().metadata().get("layout")),
                Map.of("atelier.norm_num_groups", "4", "atelier.attention_head_dim", "8"));
        Path file = Reference.open("sdxl.safetensors", folder).file().name();
        UNetConditioning conditioning = new UNetConditioning(numbers.array("context"), numbers.array("vector"), null);
        try (EngineModel<?> model = engine.load(StableDiffusion.of(Checkpoints.open(file)), Progress.NONE)) {
            for (Checkpoint layout : List.of(xl, Layout.normalize(xl))) {
                List<FloatArray> added = model.control(
                        ControlNetModel.of(layout),
                        numbers.array("latents"),
                        numbers.array("timesteps").values(),
                        conditioning,
                        picture(numbers));
                assertThat(added).hasSize(10);
                for (int i = 0; i < added.size(); i++) {
                    assertThat(relativeError(added.get(i), numbers.array("control_" + i)))
                            .as("output %d", i)
                            .isLessThan(TOLERANCE);
                }
            }
        }
        xl.writeTo(folder.resolve("xl.safetensors"), Progress.NONE);
        try (Atelier atelier = Atelier.open(
                file,
                ModelOptions.DEFAULT.engine(engine).controlNets(List.of(folder.resolve("xl.safetensors"))),
                Progress.NONE)) {
            int[] plain = pixels(draw(atelier));
            int[] controlled = pixels(draw(atelier, ControlUnit.of("xl", image())));
            assertThat(controlled).isNotEqualTo(plain);
        }
        Files.delete(folder.resolve("xl.safetensors"));
    }

    @ParameterizedTest
    @EnumSource
    void aControlledRunAgreesWithKDiffusion(Engine engine) {
        Spy spy = new Spy();
        StableDiffusion checked = StableDiffusion.of(Checkpoints.open(miniature));
        try (EngineModel<?> model = engine.load(checked, Progress.NONE)) {
            PromptNetworks networks = new PromptNetworks(
                    checked, model, ModelOptions.DEFAULT.controlNets(List.of(folder.resolve("diffusers.safetensors"))));
            new Pipeline(spy.on(model), null, null, networks, () -> new ModelLabel("miniature", null), "Atelier")
                    .generate(
                            request()
                                    .cfgScale(5)
                                    .steps(10)
                                    .controls(List.of(ControlUnit.of("diffusers", image())
                                            .weight(0.7)
                                            .between(0.2, 0.7))),
                            (phase, done, total) -> {});
        }
        assertThat(relativeError(spy.latents.getFirst(), reference.array("run_latents")))
                .isLessThan(1e-3);
    }

    /** The base is the miniature; of its matrices the file has only differences of rank 2. */
    @ParameterizedTest
    @EnumSource
    void aControlLoraAgreesWithDiffusersOnTheSumOfBoth(Engine engine) throws IOException {
        Reference numbers = numbers("control-lora.safetensors");
        Checkpoint file = HashedWeights.of(
                Objects.requireNonNull(numbers.file().metadata().get("layout")), Map.of());
        StableDiffusion base = StableDiffusion.of(Checkpoints.open(miniature).cast(DType.F32));
        assertThat(ControlLora.isOne(file)).isTrue();
        try (EngineModel<?> model = engine.load(base, Progress.NONE)) {
            List<FloatArray> added = model.control(
                    ControlNetModel.of(ControlLora.of(file, base.checkpoint())),
                    numbers.array("latents"),
                    numbers.array("timesteps").values(),
                    UNetConditioning.of(numbers.array("context")),
                    picture(numbers));
            assertThat(added).hasSize(13);
            for (int i = 0; i < added.size(); i++) {
                assertThat(relativeError(added.get(i), numbers.array("control_" + i)))
                        .as("output %d", i)
                        .isLessThan(TOLERANCE);
            }
        }
        Path written = folder.resolve("control-lora.safetensors");
        Files.deleteIfExists(written);
        file.writeTo(folder.resolve("lines-rank2.safetensors"), Progress.NONE);
        try (Atelier atelier = Atelier.open(
                miniature, ModelOptions.DEFAULT.models(List.of(folder)).engine(engine), Progress.NONE)) {
            assertThat(pixels(draw(atelier, ControlUnit.of("lines-rank2", image()))))
                    .isNotEqualTo(pixels(draw(atelier)));
        }
        Checkpoint xl = Checkpoints.open(
                Reference.open("sdxl.safetensors", folder).file().name());
        assertThatThrownBy(() -> ControlLora.of(file, xl))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("a Control-LoRA for another model");
        Files.delete(folder.resolve("lines-rank2.safetensors"));
    }

    /** From the noise that {@code torch.randn} draws with this seed. */
    private static GenerationRequest request() {
        return GenerationRequest.of("a red circle on a blue background")
                .negativePrompt("blurry, low quality")
                .sampler("Euler")
                .size(64, 64)
                .rng(NoiseSource.CPU)
                .seed(301);
    }

    private static BufferedImage draw(Atelier atelier, ControlUnit... units) {
        return generate(atelier, units).pixels();
    }

    private static GeneratedImage generate(Atelier atelier, ControlUnit... units) {
        return atelier.generate(request().steps(2).controls(List.of(units))).getFirst();
    }

    private static int[] pixels(BufferedImage image) {
        return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    }

    @Test
    void weightsTimesAndModesCount() {
        ModelOptions options = ModelOptions.DEFAULT.models(List.of(folder));
        try (Atelier atelier = Atelier.open(miniature, options, Progress.NONE)) {
            ControlUnit unit = ControlUnit.of("diffusers", image());
            int[] plain = pixels(draw(atelier));
            int[] controlled = pixels(draw(atelier, unit));
            assertThat(controlled).isNotEqualTo(plain);
            assertThat(pixels(draw(atelier, unit.weight(0)))).isEqualTo(plain);
            assertThat(pixels(draw(atelier, unit.between(0.9, 1)))).isEqualTo(plain);
            assertThat(pixels(draw(atelier, unit.weight(0.5), unit.weight(0.5))))
                    .isEqualTo(controlled);
            int[] prompt = pixels(draw(atelier, unit.mode(ControlMode.PROMPT)));
            int[] control = pixels(draw(atelier, unit.mode(ControlMode.CONTROL)));
            assertThat(prompt).isNotEqualTo(controlled).isNotEqualTo(control);
            GeneratedImage lines = generate(
                    atelier, ControlUnit.of("lines.pth [0123abcd]", image()).extraction(Extraction.LINEART));
            assertThat(lines.infotext()).contains("ControlNet 0: \"Module: lineart_standard, Model: lines.pth");
        }
    }

    private static BufferedImage region(int... columns) {
        BufferedImage region = new BufferedImage(columns.length, 1, BufferedImage.TYPE_INT_RGB);
        region.setRGB(0, 0, columns.length, 1, columns, 0, columns.length);
        return region;
    }

    @Test
    void aRegionOrSomeOutputsCanBeControlledAlone() {
        ModelOptions options = ModelOptions.DEFAULT.models(List.of(folder));
        try (Atelier atelier = Atelier.open(miniature, options, Progress.NONE)) {
            ControlUnit unit = ControlUnit.of("diffusers", image());
            int[] plain = pixels(draw(atelier));
            int[] controlled = pixels(draw(atelier, unit));
            assertThat(pixels(draw(atelier, unit.region(region(0xffffff, 0xffffff)))))
                    .isEqualTo(controlled);
            assertThat(pixels(draw(atelier, unit.region(region(0, 0))))).isEqualTo(plain);
            assertThat(pixels(draw(atelier, unit.region(region(0xffffff, 0)))))
                    .isNotEqualTo(plain)
                    .isNotEqualTo(controlled);
            assertThat(pixels(draw(atelier, unit.weight(0.3).layers(Collections.nCopies(13, 1.0)))))
                    .isEqualTo(controlled);
            assertThat(pixels(draw(atelier, unit.layers(Collections.nCopies(13, 0.0)))))
                    .isEqualTo(plain);
            assertThatThrownBy(() -> draw(atelier, unit.layers(List.of(1.0))))
                    .hasMessage("the ControlNet \"diffusers\" has 13 outputs, but there are 1 strengths for them");
        }
    }

    @Test
    void eachPassCanBeControlledAlone() {
        ModelOptions options = ModelOptions.DEFAULT.models(List.of(folder));
        try (Atelier atelier = Atelier.open(miniature, options, Progress.NONE)) {
            GenerationRequest request = request().steps(2).hiresFix(HiresFix.by(2));
            ControlUnit unit = ControlUnit.of("diffusers", image());
            List<int[]> drawn = new ArrayList<>();
            drawn.add(pixels(atelier.generate(request).getFirst().pixels()));
            for (ControlPasses passes : ControlPasses.values()) {
                GenerationRequest controlled = request.controls(List.of(unit.passes(passes)));
                drawn.add(pixels(atelier.generate(controlled).getFirst().pixels()));
            }
            for (int i = 0; i < drawn.size(); i++) {
                for (int j = 0; j < i; j++) {
                    assertThat(drawn.get(i)).isNotEqualTo(drawn.get(j));
                }
            }
        }
    }

    @Test
    void whatDoesNotFitIsRefusedByName() throws IOException {
        ModelOptions options = ModelOptions.DEFAULT.models(List.of(folder));
        try (Atelier atelier = Atelier.open(miniature, options, Progress.NONE)) {
            assertThatThrownBy(() -> draw(atelier, ControlUnit.of("nowhere", image())))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("\"nowhere\"");
            assertThatThrownBy(() -> draw(atelier, ControlUnit.of("diffusers", null)))
                    .hasMessageContaining("no picture");
            String model = miniature.getFileName().toString().replace(".safetensors", "");
            assertThatThrownBy(() -> draw(atelier, ControlUnit.of(model, image())))
                    .isInstanceOf(InvalidCheckpointException.class)
                    .hasMessageContaining("no ControlNet");
        }
        assertThatThrownBy(() -> ControlNetModel.of(net.filter(name -> !name.startsWith("controlnet_mid_block"))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("middle_block_out.0");
    }
}
