import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.LoraLayer;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.torch.Adapter;
import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.ElementLoss;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.engine.torch.Trainable;
import dev.atelier.engine.torch.TrainerOptions;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Network;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The steps that step.py takes, by Atelier: time of each, and the most anonymous memory.
 *
 * <p>Usage: {@code java -cp cli/target/atelier.jar benchmarks/training/Step.java full|full8bit|lora MODEL STEPS}; {@code full8bit} is {@code full} with
 * AdamW8bit.
 */
final class Step {
    private static double peak;

    public static void main(String[] arguments) throws Exception {
        String method = arguments[0];
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(Path.of(arguments[1])));
        int steps = Integer.parseInt(arguments[2]);
        SplittableRandom random = new SplittableRandom(1);
        Trainable trainable = method.equals("lora")
                ? Trainable.adapters(adapters(model, random))
                : Trainable.weights(name -> Component.of(name) == Component.UNET);
        Thread.ofPlatform().daemon().start(Step::watch);
        FloatArray latents = normal(random, 1, 4, 64, 64);
        FloatArray context = normal(random, 1, 77, 768);
        float[] alphas = model.alphasCumprod();
        OptimizerSettings.AdamW exact = new OptimizerSettings.AdamW(0.9, 0.999, 1e-8, 0.01);
        try (TorchTrainer trainer = TorchTrainer.of(
                model,
                EnumSet.of(Network.UNET),
                trainable,
                method.equals("full8bit") ? new OptimizerSettings.AdamW8bit(exact) : exact,
                new TrainerOptions(true, false))) {
            for (int step = 0; step < steps; step++) {
                long start = System.nanoTime();
                FloatArray noise = normal(random, 1, 4, 64, 64);
                int timestep = random.nextInt(1000);
                float[] noisy = new float[noise.values().length];
                for (int i = 0; i < noisy.length; i++) {
                    noisy[i] = (float) (Math.sqrt(alphas[timestep]) * latents.values()[i]
                            + Math.sqrt(1 - alphas[timestep]) * noise.values()[i]);
                }
                float[] loss = trainer.denoise(new DenoisingBatch(
                        FloatArray.of(noisy, 1, 4, 64, 64),
                        new float[] {timestep},
                        new DenoisingBatch.Encoded(context, null),
                        new int[] {0},
                        null,
                        new ElementLoss.Squared(),
                        noise,
                        new float[] {1},
                        null,
                        0));
                long gradients = System.nanoTime();
                trainer.update(5e-6, 1, 0);
                System.out.printf(
                        "atelier %s step %d: %.2f s (%.2f of it to update), loss %.4f%n",
                        method,
                        step,
                        (System.nanoTime() - start) / 1e9,
                        (System.nanoTime() - gradients) / 1e9,
                        loss[0]);
            }
        }
        System.out.printf("atelier %s peak %.2f GiB%n", method, peak);
    }

    private static List<Adapter> adapters(StableDiffusion model, SplittableRandom random) {
        return LoraLayer.of(model.checkpoint()).stream()
                .filter(layer -> layer.diffusers().matches(".*attentions.*attn[12]\\.to_(q|k|v|out\\.0)"))
                .map(layer -> {
                    long[] shape = layer.shape(model.checkpoint()).sizes();
                    return Adapter.lora(
                            layer.diffusers(),
                            layer.tensor(),
                            -1,
                            tensor(normal(random, 4, (int) shape[1])),
                            tensor(FloatArray.of(new float[(int) shape[0] * 4], (int) shape[0], 4)),
                            1);
                })
                .toList();
    }

    private static Tensor tensor(FloatArray array) {
        return Tensor.of(DType.F32, Shape.of(array.size(0), array.size(1)), MemorySegment.ofArray(array.values()));
    }

    private static FloatArray normal(SplittableRandom random, int... shape) {
        int size = 1;
        for (int length : shape) {
            size *= length;
        }
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return FloatArray.of(values, shape);
    }

    private static void watch() {
        try {
            while (true) {
                for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                    if (line.startsWith("RssAnon:")) {
                        peak = Math.max(peak, Double.parseDouble(line.replaceAll("\\D", "")) / (1 << 20));
                    }
                }
                Thread.sleep(20);
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
