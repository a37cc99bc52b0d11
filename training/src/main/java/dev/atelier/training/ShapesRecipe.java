package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.shapes.Drawing;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * Trains the model that comes with Atelier from nothing: first the autoencoder, on doodles; then text encoder and UNet, on
 * captioned scenes, small ones first because they cost a quarter.
 *
 * <p>The state folder holds what is needed to go on after an interruption: a state of each stage and its results.
 */
public final class ShapesRecipe {
    /** SD 1's layout at 1/150 of its size: 128 × 128 pixels are 16 × 16 latents, and the UNet attends at 8 × 8 and 4 × 4. */
    static final FreshModel.Dimensions DIMENSIONS = new FreshModel.Dimensions(
            4, List.of(16, 32, 64, 64), 1, List.of(48, 96, 96), 1, List.of(0, 1, 1), 4, 24, 2, 4);

    private static final OptimizerSettings ADAM = new OptimizerSettings.AdamW(0.9, 0.99, 1e-8, 0.01);
    private static final double MAX_NORM = 1;
    private static final double MAX_EMA_DECAY = 0.999;

    private static final double KL_WEIGHT = 3e-4;

    private static final int SMALL_BATCH = 32;
    private static final int LARGE_BATCH = 16;
    private static final double CAPTION_DROPOUT = 0.1;
    private static final double SNR_GAMMA = 5;
    private static final int ENCODED_AT_ONCE = 32;

    /**
     * How long to train.
     *
     * @param seed of all randomness
     * @param pictures of each size that text encoder and UNet see, a multiple of 32
     * @param autoencoder how the learning rate of the autoencoder runs
     * @param denoiser how that of text encoder and UNet runs
     * @param smallSteps how many steps of the latter are on pictures of 64 × 64, before those of 128 × 128
     */
    record Plan(long seed, int pictures, LearningRate autoencoder, LearningRate denoiser, int smallSteps) {}

    private final Path folder;
    private final Plan plan;
    private final Randomness randomness;
    private final TrainingListener listener;

    ShapesRecipe(Path folder, Plan plan, TrainingListener listener) {
        this.folder = folder;
        this.plan = plan;
        this.randomness = new Randomness(plan.seed());
        this.listener = listener;
    }

    /**
     * @param folder for the state; a run that finds one there goes on with it
     * @param seed of all randomness: the same seed gives the same model on the same machine
     */
    public static ShapesRecipe standard(Path folder, long seed, TrainingListener listener) {
        Plan plan = new Plan(
                seed, 6144, new LearningRate(3e-3, 50, 1700, 2400), new LearningRate(1e-3, 100, 600, 4600), 2000);
        return new ShapesRecipe(folder, plan, listener);
    }

    /** Trains, or goes on training, and writes the model to {@code output} in half precision. */
    public void run(Path output) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Path autoencoded = folder.resolve("autoencoder.safetensors");
        if (!Files.exists(autoencoded)) {
            trainAutoencoder(autoencoded);
        }
        trainDenoiser(StableDiffusion.of(Checkpoints.open(autoencoded)), output);
    }

    private void trainAutoencoder(Path output) {
        StableDiffusion fresh = StableDiffusion.of(FreshModel.create(DIMENSIONS, randomness.at("weights", 0)));
        try (TorchTrainer trainer = TorchTrainer.of(fresh, name -> Component.of(name) == Component.VAE, ADAM)) {
            train("autoencoder", trainer, plan.autoencoder(), step -> {
                RandomGenerator random = randomness.at("doodles", step);
                // mostly small pictures; some are larger, for the attention in the middle
                int side = step % 4 == 3 ? 64 : 32;
                int n = side == 64 ? 4 : 16;
                int cells = side / fresh.vae().spatialFactor();
                FloatArray pictures = stack(n, _ -> Drawing.doodle(side, random));
                return trainer.reconstruct(pictures, Randomness.normal(random, n, 4, cells, cells), KL_WEIGHT);
            });
            Checkpoint trained = trainer.averaged();
            double deviation = encode(StableDiffusion.of(trained), 64, Math.min(512, plan.pictures()))
                    .deviation();
            scaled(trained, 1 / (fresh.vae().latentScale() * deviation)).writeTo(output, Progress.NONE);
        }
    }

    private void trainDenoiser(StableDiffusion model, Path output) {
        LatentCache small = latents(model, 64);
        LatentCache large = latents(model, 128);
        Denoising objective = new Denoising(model.alphasCumprod(), SNR_GAMMA);
        CaptionTokens tokens = new CaptionTokens();
        try (TorchTrainer trainer = TorchTrainer.of(
                model,
                name -> Component.of(name) == Component.UNET || Component.of(name) == Component.TEXT_ENCODER,
                ADAM)) {
            train("denoiser", trainer, plan.denoiser(), step -> {
                RandomGenerator random = randomness.at("scenes", step);
                boolean isSmall = step < plan.smallSteps();
                int n = isSmall ? SMALL_BATCH : LARGE_BATCH;
                LatentCache latents = isSmall ? small : large;
                int[] pictures = random.ints(n, 0, latents.size()).toArray();
                List<int[]> captions = new ArrayList<>();
                for (int picture : pictures) {
                    String caption = Drawing.caption(scene(isSmall ? 64 : 128, picture));
                    captions.add(tokens.of(random.nextDouble() < CAPTION_DROPOUT ? "" : caption));
                }
                FloatArray clean = latents.sample(pictures, model.vae().latentScale(), random);
                FloatArray noise = Randomness.normal(random, clean.shape());
                float[] errors =
                        trainer.denoise(objective.batch(clean, noise, objective.timesteps(n, random), captions));
                double sum = 0;
                for (float error : errors) {
                    sum += error;
                }
                return sum / n;
            });
            described(trainer.averaged().cast(DType.F16), plan.seed()).writeTo(output, Progress.NONE);
        }
    }

    /** With what a file says about itself (Stability AI's ModelSpec 1.0.0). */
    static Checkpoint described(Checkpoint model, long seed) {
        Map<String, String> metadata = new LinkedHashMap<>(model.metadata());
        metadata.put("modelspec.sai_model_spec", "1.0.0");
        metadata.put("modelspec.architecture", "stable-diffusion-v1");
        metadata.put("modelspec.title", "Shapes");
        metadata.put(
                "modelspec.description", "Draws coloured shapes. Trained from nothing with atelier train scratch.");
        metadata.put("modelspec.license", "Apache-2.0");
        metadata.put("modelspec.resolution", "128x128");
        metadata.put("modelspec.prediction_type", "epsilon");
        metadata.put("atelier.trained_by", "shapes, seed " + seed);
        return model.withMetadata(metadata);
    }

    private RandomGenerator scene(int side, int picture) {
        return randomness.at("scene " + side, picture);
    }

    private LatentCache latents(StableDiffusion model, int side) {
        Path file = folder.resolve("latents-%d.safetensors".formatted(side));
        if (Files.exists(file)) {
            return LatentCache.read(Checkpoints.open(file));
        }
        LatentCache latents = encode(model, side, plan.pictures());
        latents.file().writeTo(file, Progress.NONE);
        return latents;
    }

    private LatentCache encode(StableDiffusion model, int side, int pictures) {
        int cells = side / model.vae().spatialFactor();
        int length = ENCODED_AT_ONCE * 8 * cells * cells;
        float[] moments = new float[pictures / ENCODED_AT_ONCE * length];
        try (TorchTrainer encoder = TorchTrainer.of(model, _ -> false, ADAM)) {
            for (int first = 0; first < pictures; first += ENCODED_AT_ONCE) {
                int from = first;
                FloatArray encoded = encoder.encode(stack(
                        ENCODED_AT_ONCE,
                        i -> Drawing.of(side, scene(side, from + i)).picture()));
                System.arraycopy(encoded.values(), 0, moments, first / ENCODED_AT_ONCE * length, length);
                listener.prepared(
                        "encoding pictures of %d × %d".formatted(side, side), first + ENCODED_AT_ONCE, pictures);
            }
        }
        return new LatentCache(FloatArray.of(moments, pictures, 8, cells, cells));
    }

    private interface PictureSource {
        FloatArray get(int index);
    }

    private static FloatArray stack(int n, PictureSource source) {
        FloatArray first = source.get(0);
        int length = first.values().length;
        float[] all = new float[n * length];
        for (int i = 0; i < n; i++) {
            FloatArray picture = i == 0 ? first : source.get(i);
            System.arraycopy(picture.values(), 0, all, i * length, length);
        }
        return FloatArray.of(all, n, 3, first.size(1), first.size(2));
    }

    private interface Batch {
        /** Adds the gradients of the batch of a step, and returns its loss. */
        double accumulate(int step);
    }

    private void train(String stage, TorchTrainer trainer, LearningRate rate, Batch batch) {
        new TrainingLoop(folder, stage, rate.steps(), listener).run(trainer, step -> {
            double loss = batch.accumulate(step);
            double norm =
                    trainer.update(rate.at(step), MAX_NORM, Math.min(MAX_EMA_DECAY, (1.0 + step) / (10.0 + step)));
            return new TrainingStep(stage, step + 1, rate.steps(), rate.at(step), loss, norm);
        });
    }

    /**
     * The same autoencoder with latents that are k times as large. The last layer of the encoder is multiplied by k and the
     * first of the decoder divided by it; the log variances, which that layer makes as well, rise by 2 ln k.
     */
    static Checkpoint scaled(Checkpoint model, double k) {
        String vae = Component.VAE.prefix();
        Map<String, Tensor> changed = new LinkedHashMap<>();
        changed.put(
                vae + "quant_conv.weight",
                change(model.tensor(vae + "quant_conv.weight"), (i, x) -> i < 4 * 8 ? k * x : x));
        changed.put(
                vae + "quant_conv.bias",
                change(model.tensor(vae + "quant_conv.bias"), (i, x) -> i < 4 ? k * x : x + 2 * Math.log(k)));
        changed.put(
                vae + "post_quant_conv.weight", change(model.tensor(vae + "post_quant_conv.weight"), (_, x) -> x / k));
        return model.map((name, tensor) -> changed.getOrDefault(name, tensor));
    }

    private interface Change {
        double of(int index, double value);
    }

    private static Tensor change(Tensor tensor, Change change) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        tensor.read(0, values, values.length);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) change.of(i, values[i]);
        }
        return Tensor.of(DType.F32, tensor.shape(), MemorySegment.ofArray(values));
    }
}
