package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Slim;
import dev.atelier.model.StableDiffusion;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How a checkpoint is loaded. Immutable; each setting has a method that gives options with another value.
 *
 * {@snippet :
 * ModelOptions options = ModelOptions.DEFAULT.vae(Path.of("vae-ft-mse-840000.safetensors"));
 * }
 */
public final class ModelOptions {
    /** ONNX Runtime, and everything else as the checkpoint says. */
    public static final ModelOptions DEFAULT = new ModelOptions(Engine.ONNX, null, null, null, null);

    private final Engine engine;
    private final @Nullable Path vae;
    private final @Nullable PredictionType prediction;
    private final @Nullable Boolean zeroTerminalSnr;
    private final @Nullable Path refiner;

    private ModelOptions(
            Engine engine,
            @Nullable Path vae,
            @Nullable PredictionType prediction,
            @Nullable Boolean zeroTerminalSnr,
            @Nullable Path refiner) {
        this.engine = engine;
        this.vae = vae;
        this.prediction = prediction;
        this.zeroTerminalSnr = zeroTerminalSnr;
        this.refiner = refiner;
    }

    /** What runs the networks. */
    public ModelOptions engine(Engine value) {
        return new ModelOptions(value, vae, prediction, zeroTerminalSnr, refiner);
    }

    /** A file, a VAE on its own or a checkpoint, whose VAE takes the place of the checkpoint's; null for none. */
    public ModelOptions vae(@Nullable Path value) {
        return new ModelOptions(engine, value, prediction, zeroTerminalSnr, refiner);
    }

    /** What the UNet is taken to predict whatever the checkpoint says; null for what it says. */
    public ModelOptions prediction(@Nullable PredictionType value) {
        return new ModelOptions(engine, vae, value, zeroTerminalSnr, refiner);
    }

    /** Whether the noise schedule is stretched so that it ends in pure noise; null for what the checkpoint says. */
    public ModelOptions zeroTerminalSnr(@Nullable Boolean value) {
        return new ModelOptions(engine, vae, prediction, value, refiner);
    }

    /** A checkpoint that finishes what the first begins, such as SDXL's refiner; null for none. */
    public ModelOptions refiner(@Nullable Path value) {
        return new ModelOptions(engine, vae, prediction, zeroTerminalSnr, value);
    }

    Engine engine() {
        return engine;
    }

    @Nullable
    Path refiner() {
        return refiner;
    }

    /** @throws dev.atelier.checkpoint.InvalidCheckpointException if the checkpoint or the VAE cannot be used */
    StableDiffusion model(Checkpoint checkpoint) {
        StableDiffusion model = StableDiffusion.of(
                vae == null
                        ? checkpoint
                        : Slim.withVae(Layout.normalize(checkpoint), Layout.normalize(Checkpoints.open(vae))));
        if (prediction != null) {
            model = model.withPrediction(prediction);
        }
        return zeroTerminalSnr == null ? model : model.withZeroTerminalSnr(zeroTerminalSnr);
    }
}
