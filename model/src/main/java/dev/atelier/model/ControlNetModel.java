package dev.atelier.model;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedSet;

/**
 * A checkpoint that holds a ControlNet. Obtained by {@link #of}, which has checked that every tensor is there and that all
 * shapes fit together.
 *
 * @param checkpoint its tensors under the names that they have in the UNet of which it is a copy
 * @param family of the models that it controls
 */
public record ControlNetModel(Checkpoint checkpoint, Family family, UNetConfig config)
        implements Loadable, ControlModel {
    private static final String PREFIX = "control_model.";

    /**
     * Recognises a ControlNet, in the layout of its authors, with the model that it controls or without, or of diffusers.
     *
     * @throws InvalidCheckpointException naming what is missing, what does not fit, or what kind of file this is instead
     */
    public static ControlNetModel of(Checkpoint file) {
        Checkpoint normal = Layout.normalize(file);
        Architecture architecture = Architecture.of(normal);
        if (architecture != Architecture.CONTROLNET) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.UNKNOWN_LAYOUT,
                    "it is no ControlNet, but a file of this kind: %s".formatted(architecture.label()));
        }
        boolean prefixed = normal.tensors().keySet().stream().anyMatch(name -> name.startsWith(PREFIX));
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        normal.tensors().forEach((name, tensor) -> {
            if (!prefixed) {
                tensors.put(UNetConfig.PREFIX + name, tensor);
            } else if (name.startsWith(PREFIX)) {
                tensors.put(UNetConfig.PREFIX + name.substring(PREFIX.length()), tensor);
            }
        });
        Checkpoint checkpoint = Checkpoint.of(normal.sources(), tensors, normal.metadata());
        Family family = family(checkpoint);
        ControlNetModel model = new ControlNetModel(checkpoint, family, UNetConfig.detect(checkpoint, family));
        ShapeCheck.run(model);
        return model;
    }

    /** SD 1.x projects with convolutions; XL's UNets take a vector. */
    private static Family family(Checkpoint checkpoint) {
        if (checkpoint.has(UNetConfig.PREFIX + "label_emb.0.0.weight")) {
            return Family.SDXL;
        }
        boolean isLinear = checkpoint
                        .tensor(UNetConfig.PREFIX + "middle_block.1.proj_in.weight")
                        .shape()
                        .rank()
                == 2;
        return isLinear ? Family.SD2 : Family.SD1;
    }

    /** Whether what it adds fits to a UNet. */
    public boolean fits(UNetConfig unet) {
        return config.modelChannels() == unet.modelChannels()
                && config.levels() == unet.levels()
                && config.resBlocks() == unet.resBlocks()
                && (config.contextWidth() == 0 || config.contextWidth() == unet.contextWidth())
                && config.vectorWidth() == unet.vectorWidth();
    }

    /** The names of its tensors, in the order of their use. */
    public SequencedSet<String> weights() {
        return ShapeCheck.weights(this);
    }
}
