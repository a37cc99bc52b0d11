package dev.atelier.model;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SequencedSet;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint that holds a complete text-to-image model, with the configuration of its networks: what an engine loads.
 * Obtained by {@link #of}, which has checked that every tensor is there and that all shapes fit together.
 *
 * @param text the text encoders: two for SDXL, else one
 * @param prediction what the UNet predicts; null if only trying it out can tell
 * @param zeroTerminalSnr whether the model was trained on pure noise too, see {@link AlphasCumprod#withZeroTerminalSnr}
 */
public record StableDiffusion(
        Checkpoint checkpoint,
        Family family,
        List<TextEncoderConfig> text,
        UNetConfig unet,
        VaeConfig vae,
        @Nullable PredictionType prediction,
        boolean zeroTerminalSnr) {
    private static final Pattern SQUARE = Pattern.compile("(128|256|512|768|1024)x\\1");

    public StableDiffusion {
        text = List.copyOf(text);
    }

    /**
     * Recognises the model and checks it, without reading a tensor.
     *
     * @throws InvalidCheckpointException naming what is missing, what does not fit, or what kind of file this is instead
     */
    public static StableDiffusion of(Checkpoint file) {
        Checkpoint checkpoint = Layout.normalize(file);
        Family family = Family.of(checkpoint).orElseThrow(() -> notAModel(checkpoint));
        UNetConfig unet = UNetConfig.detect(checkpoint, family);
        StableDiffusion model = new StableDiffusion(
                checkpoint,
                family,
                TextEncoderConfig.detect(checkpoint, family),
                unet,
                VaeConfig.detect(checkpoint, family),
                KnownPrediction.prediction(checkpoint, family, unet),
                PredictionType.isZeroTerminalSnr(checkpoint));
        ShapeCheck.run(model);
        return model;
    }

    private static InvalidCheckpointException notAModel(Checkpoint checkpoint) {
        Architecture architecture = Architecture.of(checkpoint);
        return new InvalidCheckpointException(
                checkpoint.name(),
                Reason.UNKNOWN_LAYOUT,
                architecture == Architecture.UNKNOWN
                        ? "its tensors do not look like a Stable Diffusion checkpoint (\"%s\", …)"
                                .formatted(checkpoint.tensors().sequencedKeySet().stream()
                                        .findFirst()
                                        .orElse("no tensors"))
                        : "it is a file of another kind (%s); pictures are made from whole checkpoints of Stable Diffusion 1.x, 2.x and XL"
                                .formatted(architecture.label()));
    }

    /** The same model, taken to predict {@code prediction} whatever the file says. */
    public StableDiffusion withPrediction(PredictionType other) {
        return new StableDiffusion(checkpoint, family, text, unet, vae, other, zeroTerminalSnr);
    }

    /** The same model, sampled with or without a zero terminal signal-to-noise ratio, whatever the file says. */
    public StableDiffusion withZeroTerminalSnr(boolean zero) {
        return new StableDiffusion(checkpoint, family, text, unet, vae, prediction, zero);
    }

    /** The side of the pictures that the model was trained with, in pixels, if the file says (ModelSpec's {@code modelspec.resolution}). */
    public OptionalInt statedSize() {
        String resolution = checkpoint.metadata().getOrDefault("modelspec.resolution", "");
        return SQUARE.matcher(resolution).matches()
                ? OptionalInt.of(Integer.parseInt(resolution.substring(0, resolution.indexOf('x'))))
                : OptionalInt.empty();
    }

    /** The side of the pictures that the model was trained with, or else that its family was. */
    public int nativeSize() {
        return statedSize().orElseGet(() -> switch (family) {
            case SD1 -> 512;
            case SD2 -> prediction == PredictionType.V ? 768 : 512;
            case SDXL, SDXL_REFINER -> 1024;
        });
    }

    /** The same model with other weights of the same names and shapes, such as those with a LoRA added. */
    public StableDiffusion withWeights(Checkpoint other) {
        return new StableDiffusion(other, family, text, unet, vae, prediction, zeroTerminalSnr);
    }

    /**
     * The same model with hypernetworks, which act one after the other.
     *
     * @throws InvalidCheckpointException if the layers of one do not fit together; the message names them
     */
    public StableDiffusion withHypernetworks(List<Hypernetwork> hypernetworks) {
        Map<String, Tensor> tensors = new LinkedHashMap<>(checkpoint.tensors());
        for (int i = 0; i < hypernetworks.size(); i++) {
            String prefix = UNetConfig.hypernetwork(i);
            hypernetworks.get(i).file().tensors().forEach((name, tensor) -> tensors.put(prefix + name, tensor));
        }
        Checkpoint all = Checkpoint.of(checkpoint.sources(), tensors, checkpoint.metadata());
        StableDiffusion changed = new StableDiffusion(
                all, family, text, unet.withHypernetworks(hypernetworks), vae, prediction, zeroTerminalSnr);
        var _ = changed.weights(Network.UNET); // runs on the shapes
        return changed;
    }

    /** As {@link DiffusionModel#tokenWidths}. */
    public List<Integer> tokenWidths() {
        return text.stream().map(encoder -> (int) encoder.width(checkpoint)).toList();
    }

    /** The networks that this model has, in the order of their use. */
    public List<Network> networks() {
        List<Network> networks = new ArrayList<>(List.of(Network.values()));
        if (text.size() == 1) {
            networks.remove(Network.TEXT_ENCODER_2);
        }
        if (!checkpoint.has(VaeConfig.PREFIX + "encoder.conv_in.weight")) {
            networks.remove(Network.VAE_ENCODER);
        }
        return networks;
    }

    /** The names of all tensors that its networks are made of. The file may hold others. */
    public Set<String> weights() {
        return networks().stream().map(this::weights).flatMap(Set::stream).collect(Collectors.toSet());
    }

    /** The names of the tensors that a network is made of, in the order of their use. */
    public SequencedSet<String> weights(Network network) {
        return ShapeCheck.weights(this, network);
    }

    /** ᾱ of the checkpoint, which AUTOMATIC1111 does not heed in SDXL, or the schedule that all models were trained with. */
    public float[] alphasCumprod() {
        float[] table = checkpoint
                .find("alphas_cumprod")
                .filter(tensor -> !family.isXl()
                        && tensor.dtype().isFloating()
                        && tensor.shape().elements() == AlphasCumprod.TIMESTEPS)
                .map(tensor -> {
                    float[] values = new float[AlphasCumprod.TIMESTEPS];
                    tensor.to(DType.F32).read(0, values, values.length);
                    return values;
                })
                .orElseGet(AlphasCumprod::scaledLinear);
        return zeroTerminalSnr ? AlphasCumprod.withZeroTerminalSnr(table) : table;
    }
}
