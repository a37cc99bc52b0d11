package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Ten steps of training the miniature, held to diffusers, transformers and PyTorch's AdamW. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StepParityTest {
    private static final int STEPS = 10;
    private static final int BATCH = 3;
    private static final double RATE = 1e-4;

    private Reference reference;
    private Parity parity;
    private StableDiffusion model;
    private TorchTrainer trainer;
    private Denoising objective;

    @BeforeAll
    void open(@TempDir Path folder) throws IOException {
        Path recorded = folder.resolve("ten-steps.safetensors");
        try (InputStream stored =
                Objects.requireNonNull(StepParityTest.class.getResourceAsStream("ten-steps.safetensors"))) {
            Files.copy(stored, recorded);
        }
        reference = new Reference(Checkpoints.open(recorded));
        parity = new Parity("sd1, UNet and text encoder, min-SNR", reference);
        model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        trainer = trainer();
        objective = new Denoising(model.alphasCumprod(), 5);
    }

    private TorchTrainer trainer() {
        return TorchTrainer.of(
                model,
                name -> Component.of(name) == Component.UNET || Component.of(name) == Component.TEXT_ENCODER,
                OptimizerSettings.DEFAULT);
    }

    @AfterAll
    void close() {
        trainer.close();
    }

    private float[] denoise(TorchTrainer trained, int step) {
        int[] timesteps = new int[BATCH];
        for (int i = 0; i < BATCH; i++) {
            timesteps[i] = (int) reference.array("timesteps").values()[step * BATCH + i];
        }
        List<int[]> captions = new ArrayList<>(List.of(reference.tokens("input_ids")));
        return trained.denoise(objective.batch(at("latents", step), at("noise", step), timesteps, captions));
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
