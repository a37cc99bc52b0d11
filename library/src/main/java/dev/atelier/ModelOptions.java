package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Slim;
import dev.atelier.engine.onnx.OnnxModel;
import dev.atelier.engine.torch.TorchModel;
import dev.atelier.engine.torch.TorchSettings;
import dev.atelier.model.EngineModel;
import dev.atelier.model.Family;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.TinyDecoderModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
    public static final ModelOptions DEFAULT = new ModelOptions(
            Engine.ONNX,
            TorchSettings.DEFAULT,
            null,
            null,
            null,
            null,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            null);

    private final Engine engine;
    private final TorchSettings torch;
    private final @Nullable Path vae;
    private final @Nullable PredictionType prediction;
    private final @Nullable Boolean zeroTerminalSnr;
    private final @Nullable Path refiner;
    private final List<Path> embeddings;
    private final List<Path> loras;
    private final List<Path> controlNets;
    private final List<Path> models;
    private final @Nullable Path previewDecoder;

    private ModelOptions(
            Engine engine,
            TorchSettings torch,
            @Nullable Path vae,
            @Nullable PredictionType prediction,
            @Nullable Boolean zeroTerminalSnr,
            @Nullable Path refiner,
            List<Path> embeddings,
            List<Path> loras,
            List<Path> controlNets,
            List<Path> models,
            @Nullable Path previewDecoder) {
        this.engine = engine;
        this.torch = torch;
        this.vae = vae;
        this.prediction = prediction;
        this.zeroTerminalSnr = zeroTerminalSnr;
        this.refiner = refiner;
        this.embeddings = embeddings;
        this.loras = loras;
        this.controlNets = controlNets;
        this.models = models;
        this.previewDecoder = previewDecoder;
    }

    /** What runs the networks. */
    public ModelOptions engine(Engine value) {
        return new ModelOptions(
                value,
                torch,
                vae,
                prediction,
                zeroTerminalSnr,
                refiner,
                embeddings,
                loras,
                controlNets,
                models,
                previewDecoder);
    }

    /** Runs the networks on libtorch, on the device and in the precision given. */
    public ModelOptions torch(TorchSettings value) {
        return new ModelOptions(
                Engine.TORCH,
                value,
                vae,
                prediction,
                zeroTerminalSnr,
                refiner,
                embeddings,
                loras,
                controlNets,
                models,
                previewDecoder);
    }

    /** A file, a VAE on its own or a checkpoint, whose VAE takes the place of the checkpoint's; null for none. */
    public ModelOptions vae(@Nullable Path value) {
        return new ModelOptions(
                engine,
                torch,
                value,
                prediction,
                zeroTerminalSnr,
                refiner,
                embeddings,
                loras,
                controlNets,
                models,
                previewDecoder);
    }

    /** What the UNet is taken to predict whatever the checkpoint says; null for what it says. */
    public ModelOptions prediction(@Nullable PredictionType value) {
        return new ModelOptions(
                engine,
                torch,
                vae,
                value,
                zeroTerminalSnr,
                refiner,
                embeddings,
                loras,
                controlNets,
                models,
                previewDecoder);
    }

    /** Whether the noise schedule is stretched so that it ends in pure noise; null for what the checkpoint says. */
    public ModelOptions zeroTerminalSnr(@Nullable Boolean value) {
        return new ModelOptions(
                engine, torch, vae, prediction, value, refiner, embeddings, loras, controlNets, models, previewDecoder);
    }

    /** A checkpoint that finishes what the first begins, such as SDXL's refiner; null for none. */
    public ModelOptions refiner(@Nullable Path value) {
        return new ModelOptions(
                engine,
                torch,
                vae,
                prediction,
                zeroTerminalSnr,
                value,
                embeddings,
                loras,
                controlNets,
                models,
                previewDecoder);
    }

    /** Folders of embeddings, which prompts may name. */
    public ModelOptions embeddings(List<Path> value) {
        return new ModelOptions(
                engine,
                torch,
                vae,
                prediction,
                zeroTerminalSnr,
                refiner,
                List.copyOf(value),
                loras,
                controlNets,
                models,
                previewDecoder);
    }

    /** Folders of LoRAs, which prompts may name as in {@code <lora:style:0.6>}. */
    public ModelOptions loras(List<Path> value) {
        return new ModelOptions(
                engine,
                torch,
                vae,
                prediction,
                zeroTerminalSnr,
                refiner,
                embeddings,
                List.copyOf(value),
                controlNets,
                models,
                previewDecoder);
    }

    /**
     * A TAESD decoder, with which pictures are shown on the way; null for the one called {@code taesd_decoder} or
     * {@code taesdxl_decoder} in the folders of models, if there is one.
     */
    public ModelOptions previewDecoder(@Nullable Path value) {
        return new ModelOptions(
                engine,
                torch,
                vae,
                prediction,
                zeroTerminalSnr,
                refiner,
                embeddings,
                loras,
                controlNets,
                models,
                value);
    }

    /** Files of ControlNets, which requests call by the file's name without extension. */
    public ModelOptions controlNets(List<Path> value) {
        return new ModelOptions(
                engine,
                torch,
                vae,
                prediction,
                zeroTerminalSnr,
                refiner,
                embeddings,
                loras,
                List.copyOf(value),
                models,
                previewDecoder);
    }

    /**
     * Folders of models of all kinds, in which LoRAs and ControlNets are found at any depth, and embeddings in folders that
     * are called {@code embeddings}.
     */
    public ModelOptions models(List<Path> value) {
        return new ModelOptions(
                engine,
                torch,
                vae,
                prediction,
                zeroTerminalSnr,
                refiner,
                embeddings,
                loras,
                controlNets,
                List.copyOf(value),
                previewDecoder);
    }

    /** Loads the weights; {@code progress} counts bytes of the checkpoint. */
    EngineModel<?> load(StableDiffusion model, Progress progress) {
        return switch (engine) {
            case ONNX -> OnnxModel.load(model, progress);
            case TORCH -> TorchModel.load(model, torch, progress);
        };
    }

    EmbeddingFolders embeddings() {
        return new EmbeddingFolders(embeddings, models);
    }

    Optional<TinyDecoderModel> previewDecoder(Family family) {
        String name = family.isXl() ? "taesdxl_decoder" : "taesd_decoder";
        return Optional.ofNullable(previewDecoder)
                .or(() -> models.stream()
                        .flatMap(folder -> ModelTree.files(folder, Set.of("safetensors", "pth", "pt")).stream())
                        .filter(file -> ModelTree.stem(file).equals(name))
                        .findFirst())
                .map(file -> TinyDecoderModel.of(Checkpoints.open(file)));
    }

    ControlNetFiles controlNets() {
        return new ControlNetFiles(controlNets, models);
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
