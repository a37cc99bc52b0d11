package dev.atelier.checkpoint;

import java.util.LinkedHashMap;
import java.util.Map;

/** The names of tensors: the single-file layout of the original Stable Diffusion code, and what else is found in files. */
public final class Layout {
    private static final String CLIP = "cond_stage_model.transformer.";

    private Layout() {}

    /**
     * Gives the tensors the names that the single-file layout prescribes. What is renamed: the text encoder of files
     * whose names lack the {@code text_model} level (older transformers versions, the NovelAI leak and its descendants),
     * exactly as AUTOMATIC1111 does when it loads a file ({@code modules/sd_models.py}).
     */
    public static Checkpoint normalize(Checkpoint checkpoint) {
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        checkpoint.tensors().forEach((name, tensor) -> renamed.put(normalize(name), tensor));
        return Checkpoint.of(checkpoint.sources(), renamed, checkpoint.metadata());
    }

    private static String normalize(String name) {
        for (String part : new String[] {"embeddings.", "encoder.", "final_layer_norm."}) {
            if (name.startsWith(CLIP + part)) {
                return CLIP + "text_model." + name.substring(CLIP.length());
            }
        }
        return name;
    }
}
