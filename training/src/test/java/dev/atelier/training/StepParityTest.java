package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.LoraDropout;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.Precision;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.engine.torch.Trainable;
import dev.atelier.engine.torch.TrainerOptions;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Network;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ten steps of training the miniature, held to diffusers, transformers and PyTorch's AdamW. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StepParityTest {
    private static final int STEPS = 10;
    private static final int BATCH = 3;
    private static final double RATE = 1e-4;

    private Reference reference;
    private Reference variants; // of the first step
    private Parity parity;
    private StableDiffusion model;
    private TorchTrainer trainer;
    private Denoising objective;

    @BeforeAll
    void open(@TempDir Path folder) throws IOException {
        reference = recorded("ten-steps.safetensors", folder);
        variants = recorded("precision.safetensors", folder);
        parity = new Parity("sd1, UNet and text encoder, min-SNR", reference);
        model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        trainer = trainer();
        objective = new Denoising(model.alphasCumprod(), 5);
    }

    private TorchTrainer trainer() {
        return trainer(EnumSet.of(Component.UNET, Component.TEXT_ENCODER), Precision.FULL, false);
    }

    private TorchTrainer trainer(Set<Component> trained, Precision precision, boolean checkpointing) {
        return TorchTrainer.of(
                model,
                EnumSet.of(Network.UNET, Network.TEXT_ENCODER),
                Trainable.weights(name -> trained.contains(Component.of(name))),
                OptimizerSettings.DEFAULT,
                new TrainerOptions(checkpointing, true, LoraDropout.NONE, precision, null));
    }

    private static Reference recorded(String name, Path folder) throws IOException {
        Path file = folder.resolve(name);
        try (InputStream stored = Objects.requireNonNull(StepParityTest.class.getResourceAsStream(name))) {
            Files.copy(stored, file);
        }
        return new Reference(Checkpoints.open(file));
    }

    @AfterAll
    void close() {
        trainer.close();
    }

    private float[] denoise(TorchTrainer trained, int step) {
        return trained.denoise(batch(objective, step));
    }

    private DenoisingBatch batch(Denoising asked, int step) {
        int[] timesteps = new int[BATCH];
        for (int i = 0; i < BATCH; i++) {
            timesteps[i] = (int) reference.array("timesteps").values()[step * BATCH + i];
        }
        List<int[]> captions = new ArrayList<>(List.of(reference.tokens("input_ids")));
        return asked.batch(at("latents", step), at("noise", step), timesteps, captions);
    }

    private FloatArray at(String name, int step) {
        FloatArray all = reference.array(name);
        return FloatArray.of(all.rows(step, step + 1).values(), BATCH, 4, 8, 8);
    }

    @Test
    void lossAndGradientsAgreeWithDiffusers() {
        try (TorchTrainer fresh = trainer()) {
            float[] errors = denoise(fresh, 0);
            float[] expected = reference.array("errors").rows(0, 1).values();
            for (int i = 0; i < BATCH; i++) {
                assertThat(errors[i]).isCloseTo(expected[i], within(1e-4f * expected[i]));
            }
            parity.gradients("gradient.", fresh.gradients());
        }
    }

    /** Autocast's answers are rounded in the same places, so that they are as far from fp32's as PyTorch's are, and no farther. */
    @ParameterizedTest
    @CsvSource({"BF16, 1, false", "BF16, 1, true", "FP16, 65536, false"})
    void halfPrecisionIsAsExactAsPyTorchs(Precision precision, float scale, boolean checkpointing) {
        String prefix = precision.name().toLowerCase(Locale.ROOT) + ".";
        try (TorchTrainer half =
                trainer(EnumSet.of(Component.UNET, Component.TEXT_ENCODER), precision, checkpointing)) {
            float[] own = denoise(half, 0);
            float[] theirs = variants.array(prefix + "errors").values();
            float[] exact = reference.array("errors").rows(0, 1).values();
            double theirError = Parity.greatest(theirs, exact);
            assertThat(Parity.greatest(own, exact)).isLessThan(1.2 * theirError);
            assertThat(Parity.greatest(own, theirs)).isLessThan(theirError);
            double[] squares = new double[3];
            double size = 0;
            for (String name : variants.file().tensors().keySet()) {
                if (name.startsWith(prefix + "gradient.")) {
                    String weight = name.substring(prefix.length() + "gradient.".length());
                    float[] due = reference.array("gradient." + weight).values();
                    float[] stored = variants.array(name).values();
                    float[] computed = last(half.gradients().tensor(weight), due.length);
                    for (int i = 0; i < due.length; i++) {
                        computed[i] /= scale;
                        squares[0] += Math.pow((double) computed[i] - due[i], 2);
                        squares[1] += Math.pow((double) stored[i] - due[i], 2);
                        squares[2] += Math.pow((double) computed[i] - stored[i], 2);
                        size += Math.pow(due[i], 2);
                    }
                }
            }
            System.out.printf(
                    Locale.ROOT,
                    "%s: losses %.1e (PyTorch %.1e), gradients %.1e (PyTorch %.1e, apart %.1e) from fp32%n",
                    precision,
                    Parity.greatest(own, exact),
                    theirError,
                    Math.sqrt(squares[0] / size),
                    Math.sqrt(squares[1] / size),
                    Math.sqrt(squares[2] / size));
            assertThat(squares[0]).isLessThan(1.2 * squares[1]);
            assertThat(squares[2]).isLessThan(1.2 * squares[1]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void dreamAgreesWithDiffusers(int power) {
        Denoising alike = new Denoising(model.alphasCumprod(), 0);
        try (TorchTrainer unet = trainer(EnumSet.of(Component.UNET), Precision.FULL, false)) {
            DenoisingBatch batch = batch(alike, 0);
            float[] errors = unet.denoise(alike.dream(batch, unet.answer(batch), power));
            Parity dream = new Parity("DREAM, detail " + power, variants);
            float[] due = variants.array("dream%d.errors".formatted(power)).values();
            dream.measured("losses, absolute", Parity.greatest(errors, due));
            dream.gradients("dream%d.gradient.".formatted(power), unet.gradients());
        }
    }

    @Test
    void tenStepsOfAdamWGiveTheWeightsOfPyTorch() {
        for (int step = 0; step < STEPS; step++) {
            float[] errors = denoise(trainer, step);
            float[] expected = reference.array("errors").rows(step, step + 1).values();
            for (int i = 0; i < BATCH; i++) {
                assertThat(errors[i]).as("step %d", step).isCloseTo(expected[i], within(1e-4f * expected[i]));
            }
            double norm = trainer.update(RATE, 1, 0);
            float due = reference.array("gradient_norms").values()[step];
            assertThat(norm).as("step %d", step).isCloseTo(due, within(1e-4 * due));
        }
        Checkpoint trained = trainer.averaged(); // with a decay of 0, the average is the last
        // A bias of the keys adds the same to all scores, which softmax takes out: its gradient is rounding error.
        parity.weights("weight.", trained, name -> !name.endsWith("k_proj.bias"));
        for (String name : reference.file().tensors().keySet()) {
            if (name.startsWith("weight.") && !name.endsWith("k_proj.bias")) {
                String weight = name.substring("weight.".length());
                double change = reference.array("change." + weight).values()[0];
                assertThat(Math.sqrt(squaredDistance(
                                all(trained.tensor(weight)),
                                all(model.checkpoint().tensor(weight)))))
                        .as(weight)
                        .isCloseTo(change, within(0.01 * change + 1e-6));
            }
        }
    }

    private static float[] all(Tensor tensor) {
        return last(tensor, Math.toIntExact(tensor.shape().elements()));
    }

    private static float[] last(Tensor tensor, int count) {
        float[] values = new float[count];
        long first = tensor.shape().elements() - count;
        for (int done = 0; done < count; done += 16_384) {
            int block = Math.min(16_384, count - done);
            float[] part = new float[block];
            tensor.read(first + done, part, block);
            System.arraycopy(part, 0, values, done, block);
        }
        return values;
    }

    private static double squaredDistance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.pow((double) a[i] - b[i], 2);
        }
        return sum;
    }
}
