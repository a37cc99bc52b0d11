package dev.atelier.model;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Layout;

/**
 * A checkpoint that holds a complete text-to-image model, with the configuration of its networks: what an engine loads.
 * Obtained by {@link #of}, which has checked that every tensor is there and that all shapes fit together.
 */
public record StableDiffusion(Checkpoint checkpoint, TextEncoderConfig text, UNetConfig unet, VaeConfig vae) {

    /**
     * Recognises the model and checks it, without reading a tensor.
     *
     * @throws InvalidCheckpointException naming what is missing, what does not fit, or what kind of file this is instead
     */
    public static StableDiffusion of(Checkpoint file) {
        Checkpoint checkpoint = Layout.normalize(file);
        Architecture architecture = Architecture.of(checkpoint);
        if (architecture != Architecture.SD1) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.UNKNOWN_LAYOUT,
                    architecture == Architecture.UNKNOWN
                            ? "its tensors do not look like a Stable Diffusion checkpoint (\"%s\", …)"
                                    .formatted(checkpoint.tensors().sequencedKeySet().stream()
                                            .findFirst()
                                            .orElse("no tensors"))
                            : "it is a %s file; pictures are made from Stable Diffusion 1.x text-to-image checkpoints so far"
                                    .formatted(architecture.label()));
        }
        StableDiffusion model = new StableDiffusion(
                checkpoint,
                TextEncoderConfig.detect(checkpoint),
                UNetConfig.detect(checkpoint),
                VaeConfig.detect(checkpoint));
        ShapeCheck.run(model);
        return model;
    }

    /** ᾱ of the checkpoint, or the schedule that all SD 1.x models were trained with. */
    public float[] alphasCumprod() {
        return checkpoint
                .find("alphas_cumprod")
                .filter(tensor -> tensor.dtype().isFloating() && tensor.shape().elements() == AlphasCumprod.TIMESTEPS)
                .map(tensor -> {
                    float[] values = new float[AlphasCumprod.TIMESTEPS];
                    tensor.to(DType.F32).read(0, values, values.length);
                    return values;
                })
                .orElseGet(AlphasCumprod::scaledLinear);
    }
}
