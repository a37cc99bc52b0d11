package dev.atelier.engine.contract;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.ComputedTensor;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.diffusion.ClassifierFreeGuidance;
import dev.atelier.diffusion.Denoiser;
import dev.atelier.diffusion.NetworkDenoiser;
import dev.atelier.diffusion.NoiseSchedule;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.model.AlphasCumprod;
import dev.atelier.model.AttentionHeads;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.Family;
import dev.atelier.model.FloatArray;
import dev.atelier.model.SizeConditioning;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.TextEncoderConfig;
import dev.atelier.model.TextEncoding;
import dev.atelier.model.UNetConditioning;
import dev.atelier.model.UNetConfig;
import dev.atelier.model.VaeConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Miniatures of Stable Diffusion 2, XL and XL's refiner, held to diffusers, transformers and k-diffusion in fp32: each
 * network, and whole runs.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings({"NullAway.Init", "initialization"}) // JUnit sets the fields
public abstract class FamiliesContract {
    private static final double TOLERANCE = 1e-4;
    private static final double RUN_TOLERANCE = 1e-3;
    private static final String FIRST_CONVOLUTION = "model.diffusion_model.input_blocks.0.0.weight";
    private static final double PROMPT_SCORE = 6;
    private static final double NEGATIVE_SCORE = 2.5;

    @TempDir
    static Path folder;

    private DiffusionModel sd2;
    private DiffusionModel sdxl;
    private DiffusionModel refiner;

    /** The engine under test with the weights of {@code model}. */
    protected abstract DiffusionModel load(StableDiffusion model);

    @BeforeAll
    void loadTheMiniatures() {
        sd2 = load(open("sd2"));
        sdxl = load(open("sdxl"));
        refiner = load(open("refiner"));
    }

    @AfterAll
    void close() {
        sd2.close();
        sdxl.close();
        refiner.close();
    }

    private static StableDiffusion open(String name) {
        return StableDiffusion.of(reference(name).file());
    }

    private static Reference reference(String name) {
        return Reference.open(name + ".safetensors", folder);
    }

    private DiffusionModel model(String name) {
        return switch (name) {
            case "sd2" -> sd2;
            case "sdxl" -> sdxl;
            default -> refiner;
        };
    }

    @Test
    void theFamiliesAreRecognised() {
        assertThat(sd2.family()).isEqualTo(Family.SD2);
        assertThat(sdxl.family()).isEqualTo(Family.SDXL);
        assertThat(refiner.family()).isEqualTo(Family.SDXL_REFINER);
    }

    @ParameterizedTest
    @ValueSource(strings = {"sd2", "sdxl", "refiner"})
    void theTextEncodersAgreeWithTransformers(String name) {
        Reference reference = reference(name + "-text");
        TextEncoding actual = model(name).encodeText(reference.tokens("input_ids"));
        assertThat(relativeError(actual.context(), reference.array("context"))).isLessThan(TOLERANCE);
        if (!name.equals("sd2")) {
            FloatArray pooled = Objects.requireNonNull(actual.pooled());
            assertThat(relativeError(pooled, reference.array("pooled"))).isLessThan(TOLERANCE);
        }
    }

    @Test
    void aTextEncoderWithoutTheLayerThatNobodyReadsAgreesAsWell() {
        Reference reference = reference("sd2-text");
        Checkpoint whole = open("sd2").checkpoint();
        Map<String, Tensor> tensors = new LinkedHashMap<>(whole.tensors());
        tensors.keySet().removeIf(name -> name.contains("resblocks.23.") || name.endsWith("text_projection"));
        try (DiffusionModel model =
                load(StableDiffusion.of(Checkpoint.of(whole.sources(), tensors, whole.metadata())))) {
            TextEncoding actual = model.encodeText(reference.tokens("input_ids"));
            assertThat(relativeError(actual.context(), reference.array("context")))
                    .isLessThan(TOLERANCE);
        }
    }

    @Test
    void clipSkipLeavesTheLaterFamiliesAlone() {
        int[][] tokens = reference("sdxl-text").tokens("input_ids");
        for (DiffusionModel model : List.of(sd2, sdxl)) {
            assertThat(model.encodeText(tokens, 2).context().values())
                    .isEqualTo(model.encodeText(tokens, 1).context().values());
        }
    }

    @Test
    void theUNetOfStableDiffusion2Agrees() {
        Reference reference = reference("sd2-unet");
        FloatArray actual = sd2.predictNoise(
                reference.array("latents"),
                reference.array("timesteps").values(),
                UNetConditioning.of(reference.array("context")));
        assertThat(relativeError(actual, reference.array("output"))).isLessThan(TOLERANCE);
    }

    @ParameterizedTest(name = "{0} channels")
    @ValueSource(ints = {9, 8})
    void aUNetThatSeesAPictureAgrees(int channels) {
        Reference reference = reference("sd2-unet-" + channels);
        Map<String, Tensor> tensors =
                new LinkedHashMap<>(open("sd2").checkpoint().tensors());
        tensors.put(FIRST_CONVOLUTION, reference.file().tensor("weight"));
        Checkpoint wide = reference("sd2").file();
        try (DiffusionModel model = load(StableDiffusion.of(Checkpoint.of(wide.sources(), tensors, wide.metadata())))) {
            assertThat(model.inputChannels()).isEqualTo(channels);
            assertThat(model.prediction()).isEqualTo(PredictionType.EPSILON);
            UNetConditioning text = UNetConditioning.of(reference.array("context"));
            float[] timesteps = reference.array("timesteps").values();
            FloatArray latents = reference.array("latents");
            FloatArray actual = model.predictNoise(latents, timesteps, text.withImage(reference.array("image")));
            assertThat(relativeError(actual, reference.array("output"))).isLessThan(TOLERANCE);
            assertThatThrownBy(() -> model.predictNoise(latents, timesteps, text))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("an image of 0 channels");
        }
    }

    @Test
    void theUNetOfStableDiffusionXlAgrees() {
        Reference reference = reference("sdxl-unet");
        float[] sizes = reference.array("sizes").values(); // of the original, the crop and the target, heights first
        FloatArray pooled = reference.array("pooled");
        List<FloatArray> vectors = new ArrayList<>();
        for (int row = 0; row < 2; row++) {
            int[] size = new int[6];
            for (int i = 0; i < size.length; i++) {
                size[i] = (int) sizes[row * size.length + i];
            }
            vectors.add(new SizeConditioning(size[1], size[0], size[3], size[2], size[5], size[4])
                    .vector(pooled.rows(row, row + 1), Family.SDXL, PROMPT_SCORE));
        }
        FloatArray actual = sdxl.predictNoise(
                reference.array("latents"),
                reference.array("timesteps").values(),
                new UNetConditioning(reference.array("context"), joined(vectors), null));
        assertThat(relativeError(actual, reference.array("output"))).isLessThan(TOLERANCE);
    }

    private static FloatArray joined(List<FloatArray> rows) {
        int width = rows.getFirst().size(1);
        float[] values = new float[rows.size() * width];
        for (int row = 0; row < rows.size(); row++) {
            System.arraycopy(rows.get(row).values(), 0, values, row * width, width);
        }
        return FloatArray.of(values, rows.size(), width);
    }

    /**
     * Networks of real size, from the folder in the system property {@code atelier.full} that {@code reference/README.md}
     * says how to fill; those that are not there are left out. Only what stands for the network is exchanged in the
     * miniatures.
     */
    @Tag("slow")
    @EnabledIfSystemProperty(named = "atelier.full", matches = ".+")
    @ParameterizedTest
    @ValueSource(strings = {"sd2-text", "refiner-text", "sd2-vae", "sd2-unet", "refiner-unet", "sdxl-unet"})
    void aNetworkOfRealSizeAgrees(String name) {
        Path full = Path.of(System.getProperty("atelier.full", ""));
        assumeThat(full.resolve(name + "-full.safetensors")).exists();
        Reference reference = new Reference(Checkpoints.open(full.resolve(name + "-full-output.safetensors")));
        try (DiffusionModel loaded = load(realSize(name, full))) {
            Map<String, FloatArray> answers = switch (name.substring(name.indexOf('-') + 1)) {
                case "text" -> text(loaded, reference);
                case "vae" ->
                    Map.of(
                            "picture",
                            loaded.decode(reference.array("latents")),
                            "moments",
                            loaded.encode(reference.array("image")));
                default -> Map.of("output", unet(loaded, reference));
            };
            answers.forEach((part, actual) -> {
                FloatArray expected = reference.array(part);
                double error = relativeError(actual, part.equals("moments") ? means(expected) : expected);
                System.err.printf(
                        "%s of real size, %s, %s: relative error %.1e%n",
                        name, part, loaded.getClass().getSimpleName(), error);
                assertThat(error).isLessThan(TOLERANCE);
            });
        }
    }

    private static StableDiffusion realSize(String name, Path folder) {
        StableDiffusion miniature = open(name.substring(0, name.indexOf('-')));
        Checkpoint weights = Checkpoints.open(folder.resolve(name + "-full.safetensors"));
        Map<String, Tensor> tensors = new LinkedHashMap<>(miniature.checkpoint().tensors());
        tensors.putAll(weights.tensors());
        AttentionHeads heads = new AttentionHeads.Width(64);
        TextEncoderConfig text = miniature.text().getFirst();
        return new StableDiffusion(
                Checkpoint.of(weights.sources(), tensors, Map.of()),
                miniature.family(),
                name.endsWith("text")
                        ? List.of(new TextEncoderConfig(
                                text.prefix(),
                                text.names(),
                                text.layers(),
                                name.equals("sd2-text") ? 16 : 20,
                                text.output()))
                        : miniature.text(),
                switch (name) {
                    case "sd2-unet" ->
                        new UNetConfig(320, 4, 2, List.of(1, 1, 1, 0), 1, true, heads, 32, 1024, 0, 4, List.of());
                    case "sdxl-unet" ->
                        new UNetConfig(320, 3, 2, List.of(0, 2, 10), 10, true, heads, 32, 2048, 2816, 4, List.of());
                    case "refiner-unet" ->
                        new UNetConfig(384, 4, 2, List.of(0, 4, 4, 0), 4, true, heads, 32, 1280, 2560, 4, List.of());
                    default -> miniature.unet();
                },
                name.endsWith("vae") ? new VaeConfig(4, 3, 32, miniature.vae().latentScale()) : miniature.vae(),
                PredictionType.EPSILON,
                false);
    }

    private static Map<String, FloatArray> text(DiffusionModel model, Reference reference) {
        TextEncoding encoding = model.encodeText(reference.tokens("input_ids"));
        FloatArray pooled = encoding.pooled();
        return pooled == null
                ? Map.of("context", encoding.context())
                : Map.of("context", encoding.context(), "pooled", pooled);
    }

    private static FloatArray unet(DiffusionModel model, Reference reference) {
        FloatArray vector = model.family() == Family.SD2
                ? null
                : new SizeConditioning(1024, 1024, 0, 0, 1024, 1024)
                        .vector(reference.array("pooled"), model.family(), PROMPT_SCORE);
        return model.predictNoise(
                reference.array("latents"),
                reference.array("timesteps").values(),
                new UNetConditioning(reference.array("context"), vector, null));
    }

    /** Of means and log variances, the means in the UNet's scale. */
    private static FloatArray means(FloatArray moments) {
        float[] means = Arrays.copyOf(moments.values(), moments.values().length / 2);
        for (int i = 0; i < means.length; i++) {
            means[i] *= 0.18215f;
        }
        return FloatArray.of(means, 1, 4, moments.size(2), moments.size(3));
    }

    /** Grey noise stays grey under ε; a network whose output lies far below predicts v. */
    @ParameterizedTest
    @CsvSource({"0, EPSILON, 512", "-5, V, 768"})
    void whatAUNetOfStableDiffusion2PredictsIsTriedOut(float bias, PredictionType expected, int nativeSize) {
        String name = "model.diffusion_model.out.2.bias";
        Checkpoint shifted = reference("sd2")
                .file()
                .map((key, tensor) -> key.equals(name) ? new Constant(tensor.shape(), bias) : tensor);
        try (DiffusionModel model = load(StableDiffusion.of(shifted))) {
            assertThat(model.prediction()).isEqualTo(expected);
            assertThat(model.nativeSize()).isEqualTo(nativeSize);
        }
    }

    @ParameterizedTest
    @CsvSource({"sd2-v, false", "sd2-v-zsnr, true"})
    void aRunWithVPredictionAgreesWithKDiffusionAtEveryStep(String file, boolean zeroTerminalSnr) {
        Reference reference = reference(file);
        StableDiffusion stated = open("sd2").withPrediction(PredictionType.V).withZeroTerminalSnr(zeroTerminalSnr);
        try (DiffusionModel model = load(stated)) {
            NoiseSchedule schedule = new NoiseSchedule(model.alphasCumprod());
            float[] sigmas = SamplerChoice.named("Euler").scheduler().sigmas(schedule, 8);
            FloatArray expectedSigmas = reference.array("sigmas");
            assertThat(relativeError(FloatArray.of(sigmas, sigmas.length), expectedSigmas))
                    .isLessThan(1e-5);
            FloatArray start = reference.array("noise");
            scale(start, sigmas[0]);
            int[][] tokens = reference.tokens("input_ids");
            Denoiser guided = ClassifierFreeGuidance.of(
                    conditioning -> new NetworkDenoiser(model, schedule, conditioning),
                    UNetConditioning.of(
                            model.encodeText(new int[][] {tokens[0]}).context()),
                    UNetConditioning.of(
                            model.encodeText(new int[][] {tokens[1]}).context()),
                    5);
            FloatArray latents = assertStepsAgree(guided, start, sigmas, reference.array("x_steps"), 0);
            assertThat(relativeError(model.decode(latents), reference.array("image")))
                    .isLessThan(RUN_TOLERANCE);
        }
    }

    @ParameterizedTest
    @CsvSource({"sdxl-run, false", "sdxl-run-empty-negative, true"})
    void aRunAgreesWithDiffusersPipeline(String file, boolean emptyNegative) {
        Reference reference = reference(file);
        float[] sigmas = reference.array("sigmas").values();
        FloatArray latents = assertStepsAgree(
                guided(sdxl, emptyNegative), reference.array("start"), sigmas, reference.array("x_steps"), 0);
        assertThat(relativeError(pixels(sdxl.decode(latents)), reference.array("image")))
                .isLessThan(RUN_TOLERANCE);
    }

    @Test
    void theRefinerFinishesWhatTheBaseModelBegan() {
        Reference reference = reference("sdxl-refined");
        int baseSteps = Integer.parseInt(reference.file().metadata().getOrDefault("base_steps", ""));
        float[] sigmas = reference.array("sigmas").values();
        FloatArray steps = reference.array("x_steps");
        FloatArray half = assertStepsAgree(
                guided(sdxl, false), reference.array("start"), Arrays.copyOf(sigmas, baseSteps + 1), steps, 0);
        FloatArray latents = assertStepsAgree(
                guided(refiner, false), half, Arrays.copyOfRange(sigmas, baseSteps, sigmas.length), steps, baseSteps);
        assertThat(relativeError(pixels(refiner.decode(latents)), reference.array("image")))
                .isLessThan(RUN_TOLERANCE);
    }

    private static Denoiser guided(DiffusionModel model, boolean emptyNegative) {
        NoiseSchedule schedule = new NoiseSchedule(model.alphasCumprod());
        int[][] tokens = reference("sdxl-text").tokens("input_ids");
        return ClassifierFreeGuidance.of(
                conditioning -> new NetworkDenoiser(model, schedule, conditioning),
                conditioning(model, tokens[0], PROMPT_SCORE, false),
                conditioning(model, tokens[1], NEGATIVE_SCORE, emptyNegative),
                5);
    }

    private static UNetConditioning conditioning(DiffusionModel model, int[] tokens, double score, boolean zeros) {
        TextEncoding text = model.encodeText(new int[][] {tokens});
        FloatArray pooled = Objects.requireNonNull(text.pooled());
        if (zeros) {
            scale(pooled, 0);
        }
        FloatArray context = text.context();
        if (zeros) {
            scale(context, 0);
        }
        SizeConditioning size = new SizeConditioning(192, 128, 0, 0, 192, 128);
        return new UNetConditioning(context, size.vector(pooled, model.family(), score), null);
    }

    /** A run of Euler's method; the latents after each step are rows {@code first}, … of {@code expected}. */
    private static FloatArray assertStepsAgree(
            Denoiser denoiser, FloatArray start, float[] sigmas, FloatArray expected, int first) {
        List<FloatArray> inputs = new ArrayList<>();
        Denoiser recording = (x, sigma) -> {
            inputs.add(x);
            return denoiser.denoise(x, sigma);
        };
        NoiseSchedule schedule = new NoiseSchedule(AlphasCumprod.scaledLinear());
        FloatArray last =
                SamplerChoice.named("Euler").name().sampler(schedule).sample(recording, start, sigmas, (_, _) -> {});
        inputs.add(last);
        for (int step = 1; step < inputs.size(); step++) {
            FloatArray row = expected.rows(first + step - 1, first + step);
            assertThat(relativeError(inputs.get(step), FloatArray.of(row.values(), last.shape())))
                    .as("step %d", first + step)
                    .isLessThan(RUN_TOLERANCE);
        }
        return last;
    }

    private static void scale(FloatArray x, float factor) {
        for (int i = 0; i < x.values().length; i++) {
            x.values()[i] *= factor;
        }
    }

    /** As diffusers returns them: 0 to 1. */
    private static FloatArray pixels(FloatArray picture) {
        float[] values = picture.values();
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.clamp(values[i] / 2 + 0.5f, 0, 1);
        }
        return picture;
    }

    private static final class Constant extends ComputedTensor {
        private final float value;

        Constant(Shape shape, float value) {
            super(DType.F32, shape);
            this.value = value;
        }

        @Override
        protected void compute(long first, float[] target, int count) {
            Arrays.fill(target, 0, count, value);
        }

        @Override
        protected void compute(long first, double[] target, int count) {
            Arrays.fill(target, 0, count, value);
        }
    }
}
