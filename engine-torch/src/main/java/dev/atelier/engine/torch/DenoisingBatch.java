package dev.atelier.engine.torch;

import dev.atelier.model.FloatArray;
import org.jspecify.annotations.Nullable;

/**
 * A batch of the denoising objective.
 *
 * @param noisy noisy latents, {@code [n, 4, h, w]}
 * @param timesteps n of them, in [0, 999]
 * @param text the distinct captions
 * @param captions which of them each sample has
 * @param sizes what SDXL is told of the pictures' sizes, {@code [n, 1536]}; null for other families
 * @param loss how far off an answer is
 * @param target what the network should answer, {@code [n, 4, h, w]}
 * @param weights how much each sample's error counts
 * @param mask how much each cell's error counts, {@code [n, 1, h, w]}; null for all alike
 * @param seed of what LoRAs drop
 */
@SuppressWarnings("ArrayRecordComponent") // passed on once and never compared
public record DenoisingBatch(
        FloatArray noisy,
        float[] timesteps,
        Text text,
        int[] captions,
        @Nullable FloatArray sizes,
        ElementLoss loss,
        FloatArray target,
        float[] weights,
        @Nullable FloatArray mask,
        long seed) {

    /** With other latents and answers. */
    public DenoisingBatch asking(FloatArray otherNoisy, FloatArray otherTarget) {
        return new DenoisingBatch(otherNoisy, timesteps, text, captions, sizes, loss, otherTarget, weights, mask, seed);
    }

    /** Captions as the UNet gets them. */
    public sealed interface Text {}

    /**
     * Captions that the text encoders read in this step.
     *
     * @param tokens windows of 77 tokens, filled up with EOS; all those of the first caption, then those of the next
     * @param windows how many each caption has
     * @param clipSkip at which layer from the end SD 1.x's encoder stops, 1 being the last
     */
    public record Captions(int[][] tokens, int windows, int clipSkip) implements Text {
        /** Captions of one window each. */
        public Captions(int[][] tokens, int clipSkip) {
            this(tokens, 1, clipSkip);
        }
    }

    /**
     * What the text encoders, that do not change, have made of captions before.
     *
     * @param context {@code [captions, tokens, contextWidth]}
     * @param pooled {@code [captions, width]}, where the model has such
     */
    public record Encoded(FloatArray context, @Nullable FloatArray pooled) implements Text {}
}
