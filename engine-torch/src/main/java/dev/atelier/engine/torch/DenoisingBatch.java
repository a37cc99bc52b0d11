package dev.atelier.engine.torch;

import dev.atelier.model.FloatArray;

/**
 * A batch of the denoising objective.
 *
 * @param noisy noisy latents, {@code [n, 4, h, w]}
 * @param timesteps n of them, in [0, 999]
 * @param tokens the distinct captions, as windows of 77 tokens
 * @param captions which of them each sample has
 * @param target what the network should answer, {@code [n, 4, h, w]}
 * @param weights how much each sample's error counts
 */
@SuppressWarnings("ArrayRecordComponent") // passed on once and never compared
public record DenoisingBatch(
        FloatArray noisy, float[] timesteps, int[][] tokens, int[] captions, FloatArray target, float[] weights) {}
