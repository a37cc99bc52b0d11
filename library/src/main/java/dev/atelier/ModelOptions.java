package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Slim;
import dev.atelier.engine.onnx.OnnxModel;
import dev.atelier.engine.onnx.OnnxUpscaler;
import dev.atelier.engine.torch.TorchModel;
import dev.atelier.engine.torch.TorchSettings;
import dev.atelier.engine.torch.TorchUpscaler;
import dev.atelier.model.EngineModel;
import dev.atelier.model.Family;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.TinyDecoderModel;
import dev.atelier.model.UpscalerModel;
import dev.atelier.model.UpscalingNetwork;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How a checkpoint is loaded. Immutable; each setting has a method that gives options with another value.
 *
 * {@snippet :
 * ModelOptions options = ModelOptions.DEFAULT.vae(Path.of("vae-ft-mse-840000.safetensors"));
 * }
 */
public final class ModelOptions implements Cloneable {
    /** ONNX Runtime, and everything else as the checkpoint says. */
    public static final ModelOptions DEFAULT = new ModelOptions();

    // assigned only by with(), to a copy that nobody else has seen
    private Engine engine = Engine.ONNX;
    private TorchSettings torch = TorchSettings.DEFAULT;
    private @Nullable Path vae;
    private @Nullable PredictionType prediction;
    private @Nullable Boolean zeroTerminalSnr;
    private @Nullable Path hires;
    private @Nullable Path refiner;
    private List<Path> embeddings = List.of();
    private List<Path> loras = List.of();
    private List<Path> controlNets = List.of();
    private List<Path> upscalers = List.of();
    private List<Path> models = List.of();
    private @Nullable Path previewDecoder;

    private ModelOptions() {}

    private ModelOptions with(Consumer<ModelOptions> change) {
        try {
            ModelOptions copy = (ModelOptions) super.clone();
            change.accept(copy);
            return copy;
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    /** What runs the networks. */
    public ModelOptions engine(Engine value) {
        return with(copy -> copy.engine = value);
    }

    /** Runs the networks on libtorch, on the device and in the precision given. */
    public ModelOptions torch(TorchSettings value) {
        return with(copy -> {
            copy.engine = Engine.TORCH;
            copy.torch = value;
        });
    }

    /** A file, a VAE on its own or a checkpoint, whose VAE takes the place of the checkpoint's; null for none. */
    public ModelOptions vae(@Nullable Path value) {
        return with(copy -> copy.vae = value);
    }

    /** What the UNet is taken to predict whatever the checkpoint says; null for what it says. */
    public ModelOptions prediction(@Nullable PredictionType value) {
        return with(copy -> copy.prediction = value);
    }

    /** Whether the noise schedule is stretched so that it ends in pure noise; null for what the checkpoint says. */
    public ModelOptions zeroTerminalSnr(@Nullable Boolean value) {
        return with(copy -> copy.zeroTerminalSnr = value);
    }

    /** A checkpoint that draws the second pass of a hires fix; null for the same. */
    public ModelOptions hires(@Nullable Path value) {
        return with(copy -> copy.hires = value);
    }

    /** A checkpoint that finishes what the first begins, such as SDXL's refiner; null for none. */
    public ModelOptions refiner(@Nullable Path value) {
        return with(copy -> copy.refiner = value);
    }

    /** Folders of embeddings, which prompts may name. */
    public ModelOptions embeddings(List<Path> value) {
        return with(copy -> copy.embeddings = List.copyOf(value));
    }

    /** Folders of LoRAs, which prompts may name as in {@code <lora:style:0.6>}. */
    public ModelOptions loras(List<Path> value) {
        return with(copy -> copy.loras = List.copyOf(value));
    }

    /**
     * A TAESD decoder, with which pictures are shown on the way; null for the one called {@code taesd_decoder} or
     * {@code taesdxl_decoder} in the folders of models, if there is one.
     */
    public ModelOptions previewDecoder(@Nullable Path value) {
        return with(copy -> copy.previewDecoder = value);
    }

    /** Files of ControlNets, which requests call by the file's name without extension. */
    public ModelOptions controlNets(List<Path> value) {
        return with(copy -> copy.controlNets = List.copyOf(value));
    }

    /** Files of upscaling networks, which requests call by the file's name without extension. */
    public ModelOptions upscalers(List<Path> value) {
        return with(copy -> copy.upscalers = List.copyOf(value));
    }

    /**
     * Folders of models of all kinds, in which LoRAs, ControlNets and upscaling networks are found at any depth, and embeddings in folders that
     * are called {@code embeddings}.
     */
    public ModelOptions models(List<Path> value) {
        return with(copy -> copy.models = List.copyOf(value));
    }

    /** Loads the weights; {@code progress} counts bytes of the checkpoint. */
    EngineModel<?> load(StableDiffusion model, Progress progress) {
        return switch (engine) {
            case ONNX -> OnnxModel.load(model, progress);
            case TORCH -> TorchModel.load(model, torch, progress);
        };
    }

    UpscalingNetwork load(UpscalerModel model) {
        return switch (engine) {
            case ONNX -> OnnxUpscaler.load(model);
            case TORCH -> TorchUpscaler.load(model, torch);
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

    ControlNetFiles controlNets(Checkpoint unet) {
        return new ControlNetFiles(controlNets, models, unet);
    }

    UpscalerFiles upscalers() {
        return new UpscalerFiles(this, upscalers, models);
    }

    LoraFolders loras() {
        return new LoraFolders(Stream.concat(loras.stream(), models.stream()).toList());
    }

    HypernetworkFolders hypernetworks() {
        return new HypernetworkFolders(models);
    }

    @Nullable
    Path vae() {
        return vae;
    }

    @Nullable
    Path hires() {
        return hires;
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
