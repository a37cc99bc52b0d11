package dev.atelier.engine.torch;

import static dev.atelier.engine.torch.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.ClassifierFreeGuidance;
import dev.atelier.diffusion.Denoiser;
import dev.atelier.diffusion.EpsDenoiser;
import dev.atelier.diffusion.NoiseSchedule;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.model.DemoModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The networks and whole runs of the miniature, held to diffusers, transformers and k-diffusion in fp32. */
class TorchModelTest {
    private static final double TOLERANCE = 1e-4;

    @TempDir
    static Path folder;

    private static TorchModel model;

    @BeforeAll
    static void load() {
        model = TorchModel.load(StableDiffusion.of(Checkpoints.open(DemoModel.unpack(folder))), Progress.NONE);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void theTextEncoderAgreesWithTransformers() {
        Reference reference = Reference.open("text-encoder.safetensors");
        FloatArray actual = model.encodeText(reference.tokens("input_ids"));
        assertThat(relativeError(actual, reference.array("last_hidden_state"))).isLessThan(TOLERANCE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"unet.safetensors", "unet-nonsquare.safetensors"})
    void theUNetAgreesWithDiffusers(String file) {
        Reference reference = Reference.open(file);
        FloatArray actual = model.predictNoise(
                reference.array("latents"), reference.array("timesteps").values(), reference.array("context"));
        assertThat(relativeError(actual, reference.array("output"))).isLessThan(TOLERANCE);
    }

    @Test
    void theVaeDecoderAgreesWithDiffusers() {
        Reference reference = Reference.open("vae-decoder.safetensors");
        FloatArray actual = model.decode(reference.array("latents"));
        assertThat(relativeError(actual, reference.array("image"))).isLessThan(TOLERANCE);
    }

    @ParameterizedTest
    @CsvSource({"txt2img-dpmpp-2m-karras.safetensors, DPM++ 2M Karras", "txt2img-euler.safetensors, Euler"})
    void aWholeRunAgreesWithKDiffusionAtEveryStep(String file, String sampler) {
        Reference reference = Reference.open(file);
        SamplerChoice choice = SamplerChoice.named(sampler);
        NoiseSchedule schedule = new NoiseSchedule(model.alphasCumprod());
        float[] sigmas = choice.scheduler().sigmas(schedule, 20);
        int[] prompt = reference.tokens("cond_input_ids")[0];
        int[] negative = reference.tokens("uncond_input_ids")[0];
        Denoiser guided = ClassifierFreeGuidance.of(
                context -> new EpsDenoiser(model, schedule, context),
                model.encodeText(new int[][] {prompt, prompt}),
                model.encodeText(new int[][] {negative, negative}),
                7);
        List<FloatArray> inputs = new ArrayList<>();
        Denoiser recorded = (x, sigma) -> {
            inputs.add(x);
            return guided.denoise(x, sigma);
        };

        FloatArray start = reference.array("noise");
        for (int i = 0; i < start.values().length; i++) {
            start.values()[i] *= sigmas[0];
        }
        FloatArray latents = choice.name().sampler().sample(recorded, start, sigmas, (step, steps) -> {});

        FloatArray expected = reference.array("x_steps"); // [20, 2, 4, 16, 16]
        int[] shape = latents.shape();
        for (int step = 1; step < inputs.size(); step++) {
            FloatArray after = FloatArray.of(expected.rows(step - 1, step).values(), shape);
            assertThat(relativeError(inputs.get(step), after))
                    .as("step %d", step)
                    .isLessThan(1e-3);
        }
        assertThat(relativeError(latents, reference.array("final_latent"))).isLessThan(1e-3);
        assertThat(relativeError(model.decode(latents), reference.array("image")))
                .isLessThan(1e-3);
    }

    @Test
    void weightsThatAreReadInPlaceGiveTheSameNumbers() {
        Path fp32 = folder.resolve("fp32.safetensors");
        Checkpoints.open(DemoModel.unpack(folder)).cast(DType.F32).writeTo(fp32, Progress.NONE);
        Reference reference = Reference.open("unet.safetensors");
        try (TorchModel mapped = TorchModel.load(StableDiffusion.of(Checkpoints.open(fp32)), Progress.NONE)) {
            FloatArray actual = mapped.predictNoise(
                    reference.array("latents"), reference.array("timesteps").values(), reference.array("context"));
            assertThat(relativeError(actual, reference.array("output"))).isLessThan(TOLERANCE);
        }
    }

    @Test
    void aLatentThatTheUNetCannotHalveIsRefused() {
        FloatArray latents = FloatArray.of(new float[4 * 12 * 16], 1, 4, 12, 16);
        FloatArray context = FloatArray.of(new float[77 * 16], 1, 77, 16);
        assertThatThrownBy(() -> model.predictNoise(latents, new float[] {1}, context))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("16 × 12");
    }

    @Test
    void aTokenOutsideTheVocabularyIsRefusedBeforeItReachesNativeCode() {
        int[][] tokens = new int[1][77];
        tokens[0][3] = 49408;
        assertThatThrownBy(() -> model.encodeText(tokens)).isInstanceOf(IllegalArgumentException.class);
    }
}
