package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;

/**
 * The hyper-parameters of a CLIP text encoder that its tensors' shapes do not carry by themselves.
 *
 * @param layers 12 for CLIP ViT-L/14
 * @param heads 12 for CLIP ViT-L/14
 */
public record TextEncoderConfig(int layers, int heads) {
    static final String PREFIX = Component.TEXT_ENCODER.prefix() + "transformer.text_model.";

    /** All CLIP text encoders use heads of this width. */
    private static final int HEAD_WIDTH = 64;

    /**
     * Derives the configuration from the names and shapes of a checkpoint; the number of heads of an unusually narrow
     * encoder from its metadata, {@code atelier.text_num_attention_heads}.
     */
    static TextEncoderConfig detect(Checkpoint checkpoint) {
        KeyTree keys = new KeyTree(checkpoint);
        String tokens = PREFIX + "embeddings.token_embedding.weight";
        String positions = PREFIX + "embeddings.position_embedding.weight";
        if (keys.size(tokens, 0) != ClipTokenizer.VOCABULARY || keys.size(positions, 0) != ClipTokenizer.WINDOW) {
            throw new InvalidCheckpointException(
                    checkpoint.name(),
                    Reason.SHAPE_MISMATCH,
                    "its text encoder knows %d tokens and %d positions where CLIP's has %d and %d"
                            .formatted(
                                    keys.size(tokens, 0),
                                    keys.size(positions, 0),
                                    ClipTokenizer.VOCABULARY,
                                    ClipTokenizer.WINDOW));
        }
        int heads = (int) Math.max(1, keys.size(tokens, 1) / HEAD_WIDTH);
        return new TextEncoderConfig(
                keys.count(PREFIX + "encoder.layers."), keys.setting("atelier.text_num_attention_heads", heads));
    }
}
