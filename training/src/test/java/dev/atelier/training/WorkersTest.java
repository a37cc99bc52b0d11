package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.LoraDropout;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.Precision;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.engine.torch.Trainable;
import dev.atelier.engine.torch.TrainerOptions;
import dev.atelier.engine.torch.WorkerGroup;
import dev.atelier.engine.torch.WorkerPlace;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Network;
import dev.atelier.model.StableDiffusion;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Several processes, and precisions below fp32, learn what one process does in fp32. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WorkersTest {
    private static final int STEPS = 4;
    private static final double RATE = 1e-3;

    private StableDiffusion model;
    private List<DenoisingBatch> batches;

    @BeforeAll
    void open(@TempDir Path folder) {
        model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        Denoising objective = new Denoising(model.alphasCumprod(), 5);
        CaptionTokens tokens = new CaptionTokens();
        SplittableRandom random = new SplittableRandom(11);
        batches = random.ints(2 * STEPS, 0, 1000)
                .mapToObj(timestep -> objective.batch(
                        Randomness.normal(random, 1, 4, 8, 8),
                        Randomness.normal(random, 1, 4, 8, 8),
                        new int[] {timestep},
                        List.of(tokens.of("a circle"))))
                .toList();
    }

    /** Both batches as one. */
    private static DenoisingBatch joined(DenoisingBatch a, DenoisingBatch b) {
        return new DenoisingBatch(
                joined(a.noisy(), b.noisy()),
                new float[] {a.timesteps()[0], b.timesteps()[0]},
                a.text(),
                new int[] {0, 0},
                null,
                a.loss(),
                joined(a.target(), b.target()),
                new float[] {a.weights()[0], b.weights()[0]},
                null,
                0);
    }

    private static FloatArray joined(FloatArray a, FloatArray b) {
        float[] both = new float[2 * a.values().length];
        System.arraycopy(a.values(), 0, both, 0, a.values().length);
        System.arraycopy(b.values(), 0, both, a.values().length, a.values().length);
        return FloatArray.of(both, 2, 4, 8, 8);
    }

    private interface Step {
        void learn(TorchTrainer trainer, int step);
    }

    /** The weights of the attention that the text goes into, after a few steps. */
    private Map<String, float[]> train(Precision precision, @Nullable WorkerGroup workers, Step step) {
        try (TorchTrainer trainer = TorchTrainer.of(
                model,
                EnumSet.of(Network.UNET, Network.TEXT_ENCODER),
                Trainable.weights(name -> Component.of(name) == Component.UNET && name.contains("attn2.to_")),
                new OptimizerSettings.Sgd(0.9, false, 0),
                new TrainerOptions(false, false, LoraDropout.NONE, precision, workers))) {
            for (int i = 0; i < STEPS; i++) {
                step.learn(trainer, i);
                trainer.update(RATE, Double.POSITIVE_INFINITY, 0);
            }
            return changes(trainer.values());
        }
    }

    private Map<String, float[]> changes(Checkpoint values) {
        Map<String, float[]> changes = new LinkedHashMap<>();
        values.tensors().forEach((name, tensor) -> {
            float[] before = all(model.checkpoint().tensor(name));
            float[] after = all(tensor);
            for (int i = 0; i < after.length; i++) {
                after[i] -= before[i];
            }
            changes.put(name, after);
        });
        return changes;
    }

    private static float[] all(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        tensor.to(DType.F32).read(0, MemorySegment.ofArray(values));
        return values;
    }

    /** ‖a − b‖ / ‖b‖ over all weights. */
    private static double distance(Map<String, float[]> a, Map<String, float[]> b) {
        double difference = 0;
        double size = 0;
        for (Map.Entry<String, float[]> entry : b.entrySet()) {
            float[] actual = a.get(entry.getKey());
            float[] due = entry.getValue();
            for (int i = 0; i < due.length; i++) {
                difference += Math.pow((double) actual[i] - due[i], 2);
                size += Math.pow(due[i], 2);
            }
        }
        assertThat(size).isPositive();
        return Math.sqrt(difference / size);
    }

    private Map<String, float[]> alone(Precision precision) {
        return train(
                precision,
                null,
                (trainer, step) -> trainer.denoise(joined(batches.get(2 * step), batches.get(2 * step + 1))));
    }

    @Test
    void twoWorkersWithABatchOf1AreOneWithABatchOf2() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<Map<String, float[]>> second = threads.submit(() -> work(1, port));
            Map<String, float[]> first = threads.submit(() -> work(0, port)).get();
            assertThat(distance(second.get(), first)).isZero();
            assertThat(distance(first, alone(Precision.FULL))).isLessThan(1e-4);
        }
    }

    private Map<String, float[]> work(int rank, int port) {
        try (WorkerGroup group = WorkerGroup.join(new WorkerPlace(rank, 2, "127.0.0.1", port))) {
            return train(Precision.FULL, group, (trainer, step) -> trainer.denoise(batches.get(2 * step + rank)));
        }
    }

    @Test
    void bf16GoesTheSameWayRoughly() {
        assertThat(distance(alone(Precision.BF16), alone(Precision.FULL))).isBetween(1e-5, 0.1);
    }

    @Test
    void whatOverflowsFp16MovesNothing() {
        DenoisingBatch batch = batches.getFirst();
        DenoisingBatch loud = new DenoisingBatch(
                batch.noisy(),
                batch.timesteps(),
                batch.text(),
                batch.captions(),
                null,
                batch.loss(),
                batch.target(),
                new float[] {1e9f},
                null,
                0);
        try (TorchTrainer trainer = TorchTrainer.of(
                model,
                EnumSet.of(Network.UNET, Network.TEXT_ENCODER),
                Trainable.weights(name -> Component.of(name) == Component.UNET && name.contains("attn2.to_")),
                OptimizerSettings.DEFAULT,
                new TrainerOptions(false, false, LoraDropout.NONE, Precision.FP16, null))) {
            trainer.denoise(loud);
            assertThat(trainer.update(RATE, 1, 0)).isZero();
            assertThat(changes(trainer.values()).values())
                    .allMatch(change -> IntStream.range(0, change.length).allMatch(i -> change[i] == 0));
            assertThat(trainer.state().metadata()).containsEntry("atelier.loss_scale", "32768.0 0 1");
            trainer.denoise(batch);
            assertThat(trainer.update(RATE, 1, 0)).isPositive();
            assertThat(trainer.state().metadata()).containsEntry("atelier.loss_scale", "32768.0 1 1");
        }
    }

    @Test
    void fp16IsScaledAndGoesTheSameWay() {
        assertThat(distance(alone(Precision.FP16), alone(Precision.FULL))).isBetween(1e-6, 0.02);
    }
}
