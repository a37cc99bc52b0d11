package dev.atelier.engine.contract;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.ClassifierFreeGuidance;
import dev.atelier.diffusion.Denoiser;
import dev.atelier.diffusion.NetworkDenoiser;
import dev.atelier.diffusion.NoiseSchedule;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetAnswer;
import dev.atelier.model.UNetConditioning;
import dev.atelier.model.UNetShortcut;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The networks and whole runs of the miniature, held to diffusers, transformers and k-diffusion in fp32. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings({"NullAway.Init", "initialization"}) // JUnit sets the fields
public abstract class DiffusionModelContract {
    private static final double TOLERANCE = 1e-4;

    @TempDir
    static Path folder;

    private DiffusionModel model;

    /** The engine under test with the weights of {@code model}. */
    protected abstract DiffusionModel load(StableDiffusion model);

    @BeforeAll
    void loadTheMiniature() {
        model = load(StableDiffusion.of(miniature()));
    }

    @AfterAll
    void close() {
        model.close();
    }

    private static Checkpoint miniature() {
        return Checkpoints.open(Miniature.unpack(folder));
    }

    @Test
    void theTextEncoderAgreesWithTransformers() {
        Reference reference = Reference.open("text-encoder.safetensors", folder);
        FloatArray actual = model.encodeText(reference.tokens("input_ids")).context();
        assertThat(relativeError(actual, reference.array("last_hidden_state"))).isLessThan(TOLERANCE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"unet.safetensors", "unet-nonsquare.safetensors", "unet-odd.safetensors"})
    void theUNetAgreesWithDiffusers(String file) {
        assertUNetAgrees(model, file);
    }

    private static void assertUNetAgrees(DiffusionModel model, String file) {
        Reference reference = Reference.open(file, folder);
        FloatArray actual = model.predictNoise(
                reference.array("latents"),
                reference.array("timesteps").values(),
                UNetConditioning.of(reference.array("context")));
        assertThat(relativeError(actual, reference.array("output"))).isLessThan(TOLERANCE);
    }

    /** Guidance may take the prompt and the negative prompt together or one after the other. */
    @Test
    void aRowGivesAloneWhatItGivesBesideAnother() {
        Reference reference = Reference.open("unet.safetensors", folder);
        float[] timesteps = reference.array("timesteps").values();
        for (int row = 0; row < timesteps.length; row++) {
            FloatArray alone = model.predictNoise(
                    reference.array("latents").rows(row, row + 1),
                    new float[] {timesteps[row]},
                    UNetConditioning.of(reference.array("context").rows(row, row + 1)));
            assertThat(relativeError(alone, reference.array("output").rows(row, row + 1)))
                    .isLessThan(TOLERANCE);
        }
    }

    /** Guidance asks what the same latents are by two texts: what comes before these is computed once. */
    @ParameterizedTest
    @CsvSource({"1, 0", "2, 0.5", "3, 0"})
    void theSameLatentsGiveBesideAnotherTextWhatTheyGiveAlone(int depth, double merged) {
        Reference reference = Reference.open("unet.safetensors", folder);
        FloatArray context = reference.array("context");
        FloatArray latents = reference.array("latents").rows(0, 1);
        List<FloatArray> together = wholeAndShallow(twice(latents), context, depth, merged);
        for (int row = 0; row < 2; row++) {
            List<FloatArray> alone = wholeAndShallow(latents, context.rows(row, row + 1), depth, merged);
            for (int call = 0; call < alone.size(); call++) {
                assertThat(relativeError(together.get(call).rows(row, row + 1), alone.get(call)))
                        .isLessThan(TOLERANCE);
            }
        }
    }

    private static FloatArray twice(FloatArray row) {
        int size = row.values().length;
        float[] values = Arrays.copyOf(row.values(), 2 * size);
        System.arraycopy(values, 0, values, size, size);
        return FloatArray.of(values, 2, row.size(1), row.size(2), row.size(3));
    }

    /** The answers of a call in full, and of the next one around what that kept. */
    private List<FloatArray> wholeAndShallow(FloatArray latents, FloatArray context, int depth, double merged) {
        UNetConditioning text = UNetConditioning.of(context);
        float[] times = new float[latents.size(0)];
        Arrays.fill(times, 300);
        UNetAnswer whole = model.predictNoise(latents, times, text, new UNetShortcut(merged, depth, null));
        Arrays.fill(times, 200);
        UNetAnswer shallow = model.predictNoise(latents, times, text, new UNetShortcut(merged, depth, whole.deep()));
        return List.of(whole.noise(), shallow.noise());
    }

    /** Deterministic merging, in self-attention at full resolution: AUTOMATIC1111's. */
    @ParameterizedTest
    @CsvSource({"even, 0.5", "odd, 0.3", "most, 0.75"})
    void mergingTokensAgreesWithTomesd(String name, double share) {
        Reference reference = Reference.open("unet-shortcuts.safetensors", folder);
        FloatArray actual = model.predictNoise(
                        reference.array("merged." + name + ".latents"),
                        new float[] {981, 37.5f},
                        UNetConditioning.of(reference.array("context")),
                        new UNetShortcut(share, 0, null))
                .noise();
        assertThat(relativeError(actual, reference.array("merged." + name + ".output")))
                .isLessThan(TOLERANCE);
    }

    /** Of four calls with other latents and times, DeepCache runs the first and the last in full. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void skippingBlocksAgreesWithDeepCache(int depth) {
        Reference reference = Reference.open("unet-shortcuts.safetensors", folder);
        float[] timesteps = reference.array("cached.timesteps").values();
        UNetConditioning context = UNetConditioning.of(reference.array("context"));
        FloatArray deep = null;
        for (int call = 0; call < timesteps.length; call++) {
            UNetShortcut shortcut = new UNetShortcut(0, depth, call % 3 == 0 ? null : deep);
            FloatArray latents = part(reference, "cached.latents", call);
            UNetAnswer answer =
                    model.predictNoise(latents, new float[] {timesteps[call], timesteps[call]}, context, shortcut);
            deep = answer.deep() != null ? answer.deep() : deep;
            assertThat(relativeError(answer.noise(), part(reference, "cached.output." + depth, call)))
                    .as("call %d", call)
                    .isLessThan(TOLERANCE);
        }
    }

    private static FloatArray part(Reference reference, String name, int index) {
        FloatArray row = reference.array(name).rows(index, index + 1);
        return FloatArray.of(row.values(), row.size(1), row.size(2), row.size(3), row.size(4));
    }

    @Test
    void theVaeDecoderAgreesWithDiffusers() {
        Reference reference = Reference.open("vae-decoder.safetensors", folder);
        FloatArray actual = model.decode(reference.array("latents"));
        assertThat(relativeError(actual, reference.array("image"))).isLessThan(TOLERANCE);
    }

    @Test
    void theVaeEncodersMeansAgreeWithDiffusers() {
        Reference reference = Reference.open("vae-encoder.safetensors", folder);
        assertThat(relativeError(model.encode(reference.array("image")), means(reference.array("moments"))))
                .isLessThan(TOLERANCE);
    }

    /** Of means and log variances, the means in the UNet's scale. */
    private static FloatArray means(FloatArray moments) {
        float[] means = Arrays.copyOf(moments.values(), moments.values().length / 2);
        for (int i = 0; i < means.length; i++) {
            means[i] *= 0.18215f;
        }
        return FloatArray.of(means, 1, 4, moments.size(2), moments.size(3));
    }

    /** With circular padding, AUTOMATIC1111's "Tiling"; and afterwards as before. */
    @Test
    void endlessPatternsAgreeWithDiffusers() {
        Reference reference = Reference.open("endless.safetensors", folder);
        model.endless(true);
        FloatArray noise = model.predictNoise(
                reference.array("latents"),
                reference.array("timesteps").values(),
                UNetConditioning.of(reference.array("context")));
        FloatArray picture = model.decode(reference.array("small"));
        FloatArray latents = model.encode(reference.array("image"));
        model.endless(false);
        assertThat(relativeError(noise, reference.array("output"))).isLessThan(TOLERANCE);
        assertThat(relativeError(picture, reference.array("picture"))).isLessThan(TOLERANCE);
        assertThat(relativeError(latents, means(reference.array("moments")))).isLessThan(TOLERANCE);
        assertUNetAgrees(model, "unet.safetensors");
    }

    @ParameterizedTest
    @CsvSource({"txt2img-dpmpp-2m-karras.safetensors, DPM++ 2M Karras", "txt2img-euler.safetensors, Euler"})
    void aWholeRunAgreesWithKDiffusionAtEveryStep(String file, String sampler) {
        Reference reference = Reference.open(file, folder);
        List<FloatArray> inputs = new ArrayList<>();
        FloatArray latents = sample(reference, sampler, inputs);

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
    void theSameRunGivesTheSameBytes() {
        Reference reference = Reference.open("txt2img-euler.safetensors", folder);
        FloatArray first = sample(reference, "Euler", new ArrayList<>());
        FloatArray second = sample(reference, "Euler", new ArrayList<>());
        assertThat(second.values()).isEqualTo(first.values());
        assertThat(model.decode(second).values()).isEqualTo(model.decode(first).values());
    }

    @Test
    void aModelThatIsLoadedAgainGivesTheSameBytes() {
        Reference reference = Reference.open("unet.safetensors", folder);
        FloatArray latents = reference.array("latents");
        float[] timesteps = reference.array("timesteps").values();
        UNetConditioning context = UNetConditioning.of(reference.array("context"));
        try (DiffusionModel again = load(StableDiffusion.of(miniature()))) {
            assertThat(again.predictNoise(latents, timesteps, context).values())
                    .isEqualTo(model.predictNoise(latents, timesteps, context).values());
            assertThat(again.decode(latents).values())
                    .isEqualTo(model.decode(latents).values());
        }
    }

    /** A guided run of 20 steps from the recorded noise; {@code inputs} receives the latents of each step. */
    private FloatArray sample(Reference reference, String sampler, List<FloatArray> inputs) {
        SamplerChoice choice = SamplerChoice.named(sampler);
        NoiseSchedule schedule = new NoiseSchedule(model.alphasCumprod());
        float[] sigmas = choice.scheduler().sigmas(schedule, 20);
        int[] prompt = reference.tokens("cond_input_ids")[0];
        int[] negative = reference.tokens("uncond_input_ids")[0];
        Denoiser guided = ClassifierFreeGuidance.of(
                context -> new NetworkDenoiser(model, schedule, context), text(prompt), text(negative), 7);
        Denoiser recorded = (x, sigma) -> {
            inputs.add(x);
            return guided.denoise(x, sigma);
        };
        FloatArray start = reference.array("noise");
        for (int i = 0; i < start.values().length; i++) {
            start.values()[i] *= sigmas[0];
        }
        return choice.name().sampler(schedule).sample(recorded, start, sigmas, (step, steps) -> {});
    }

    private UNetConditioning text(int[] tokens) {
        return UNetConditioning.of(
                model.encodeText(new int[][] {tokens, tokens}).context());
    }

    @Test
    void weightsThatAreReadInPlaceGiveTheSameNumbers() {
        Path fp32 = folder.resolve("fp32.safetensors");
        miniature().cast(DType.F32).writeTo(fp32, Progress.NONE);
        try (DiffusionModel mapped = load(StableDiffusion.of(Checkpoints.open(fp32)))) {
            assertUNetAgrees(mapped, "unet.safetensors");
        }
    }

    @Test
    void weightsThatAreComputedGiveTheSameNumbers() {
        try (DiffusionModel computed = load(StableDiffusion.of(miniature().cast(DType.F32)))) {
            assertUNetAgrees(computed, "unet.safetensors");
        }
    }

    @Test
    void aTokenOutsideTheVocabularyIsRefusedBeforeItReachesNativeCode() {
        int[][] tokens = new int[1][77];
        tokens[0][3] = 49408;
        assertThatThrownBy(() -> model.encodeText(tokens)).isInstanceOf(IllegalArgumentException.class);
    }
}
