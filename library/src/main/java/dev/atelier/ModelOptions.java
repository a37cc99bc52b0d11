package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Slim;
import dev.atelier.model.StableDiffusion;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
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
    public static final ModelOptions DEFAULT =
            new ModelOptions(Engine.ONNX, null, null, null, null, List.of(), List.of(), List.of());

    private final Engine engine;
    private final @Nullable Path vae;
    private final @Nullable PredictionType prediction;
    private final @Nullable Boolean zeroTerminalSnr;
    private final @Nullable Path refiner;
    private final List<Path> embeddings;
    private final List<Path> loras;
    private final List<Path> models;

    private ModelOptions(
            Engine engine,
            @Nullable Path vae,
            @Nullable PredictionType prediction,
            @Nullable Boolean zeroTerminalSnr,
            @Nullable Path refiner,
            List<Path> embeddings,
            List<Path> loras,
            List<Path> models) {
        this.engine = engine;
        this.vae = vae;
        this.prediction = prediction;
        this.zeroTerminalSnr = zeroTerminalSnr;
        this.refiner = refiner;
        this.embeddings = embeddings;
        this.loras = loras;
        this.models = models;
    }

    /** What runs the networks. */
    public ModelOptions engine(Engine value) {
        return new ModelOptions(value, vae, prediction, zeroTerminalSnr, refiner, embeddings, loras, models);
    }

    /** A file, a VAE on its own or a checkpoint, whose VAE takes the place of the checkpoint's; null for none. */
    public ModelOptions vae(@Nullable Path value) {
        return new ModelOptions(engine, value, prediction, zeroTerminalSnr, refiner, embeddings, loras, models);
    }

    /** What the UNet is taken to predict whatever the checkpoint says; null for what it says. */
    public ModelOptions prediction(@Nullable PredictionType value) {
        return new ModelOptions(engine, vae, value, zeroTerminalSnr, refiner, embeddings, loras, models);
    }

    /** Whether the noise schedule is stretched so that it ends in pure noise; null for what the checkpoint says. */
    public ModelOptions zeroTerminalSnr(@Nullable Boolean value) {
        return new ModelOptions(engine, vae, prediction, value, refiner, embeddings, loras, models);
    }

    /** A checkpoint that finishes what the first begins, such as SDXL's refiner; null for none. */
    public ModelOptions refiner(@Nullable Path value) {
        return new ModelOptions(engine, vae, prediction, zeroTerminalSnr, value, embeddings, loras, models);
    }

    /** Folders of embeddings, which prompts may name. */
    public ModelOptions embeddings(List<Path> value) {
        return new ModelOptions(engine, vae, prediction, zeroTerminalSnr, refiner, List.copyOf(value), loras, models);
    }

    /** Folders of LoRAs, which prompts may name as in {@code <lora:style:0.6>}. */
    public ModelOptions loras(List<Path> value) {
        return new ModelOptions(
                engine, vae, prediction, zeroTerminalSnr, refiner, embeddings, List.copyOf(value), models);
    }

    /**
     * Folders of models of all kinds, in which prompts find LoRAs at any depth, and embeddings in folders that are called
     * {@code embeddings}.
     */
    public ModelOptions models(List<Path> value) {
        return new ModelOptions(
                engine, vae, prediction, zeroTerminalSnr, refiner, embeddings, loras, List.copyOf(value));
    }

    Engine engine() {
        return engine;
    }

    EmbeddingFolders embeddings() {
        return new EmbeddingFolders(embeddings, models);
    }

    LoraFolders loras() {
        return new LoraFolders(Stream.concat(loras.stream(), models.stream()).toList());
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
