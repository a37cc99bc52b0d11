package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.lora.Lora;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A ControlNet of which a file holds but a difference of low rank to the UNet that it controls, as Stability's Control-LoRAs
 * do: {@code W + up·down} for the UNet's matrices, and everything else as it is.
 */
final class ControlLora {
    private static final String MARK = "lora_controlnet";
    private static final String UP = ".up";
    private static final String DOWN = ".down";

    /** What a ControlNet has of the UNet. */
    private static final List<String> PARTS = List.of("time_embed.", "label_emb.", "input_blocks.", "middle_block.");

    private ControlLora() {}

    static boolean isOne(Checkpoint file) {
        return file.has(MARK);
    }

    /**
     * The ControlNet, which computes nothing before its weights are read.
     *
     * @throws InvalidCheckpointException if it is for another model
     */
    static Checkpoint of(Checkpoint file, Checkpoint model) {
        Map<String, Tensor> factors = new LinkedHashMap<>();
        Map<String, Tensor> own = new LinkedHashMap<>();
        file.tensors().forEach((name, tensor) -> {
            if (name.endsWith(UP) || name.endsWith(DOWN)) {
                boolean isUp = name.endsWith(UP);
                String layer = name.substring(0, name.length() - (isUp ? UP : DOWN).length());
                factors.put(
                        "lora_unet_%s.lora_%s.weight".formatted(layer.replace('.', '_'), isUp ? "up" : "down"), tensor);
            } else if (!name.equals(MARK)) {
                own.put("control_model." + name, tensor);
            }
        });
        Lora lora = Lora.of(Checkpoint.of(file.sources(), factors, Map.of()));
        List<String> foreign = lora.unmatched(model);
        if (!foreign.isEmpty()) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.SHAPE_MISMATCH,
                    "it is a Control-LoRA for another model: this one has no place for %d of its tensors, such as \"%s\""
                            .formatted(foreign.size(), foreign.getFirst()));
        }
        Checkpoint changed = lora.bake(model, 1, 1);
        String unet = Component.UNET.prefix();
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        changed.tensors().forEach((name, tensor) -> {
            String rest = name.startsWith(unet) ? name.substring(unet.length()) : "";
            if (PARTS.stream().anyMatch(rest::startsWith)) {
                tensors.put("control_model." + rest, tensor);
            }
        });
        tensors.putAll(own);
        return Checkpoint.of(
                Stream.concat(file.sources().stream(), model.sources().stream()).toList(), tensors, model.metadata());
    }
}
