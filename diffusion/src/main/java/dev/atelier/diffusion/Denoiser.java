package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * The picture that a noisy latent most likely came from, D(x; σ) of Karras et al. 2022 (arXiv 2206.00364). All that a
 * sampler knows of a network: what the network predicts, its clock and its guidance are hidden behind it.
 */
@FunctionalInterface
public interface Denoiser {

    /**
     * D and what guidance started from.
     *
     * @param unconditional what the negative prompt gives
     */
    record Guided(FloatArray denoised, FloatArray unconditional) {}

    /**
     * @param x {@code [n, channels, h, w]}, the clean latent plus noise of standard deviation {@code sigma}
     * @return the denoised latent, of the same shape
     */
    FloatArray denoise(FloatArray x, float sigma);

    /** {@link #denoise} for samplers that want both; without guidance both are the same. */
    default Guided guide(FloatArray x, float sigma) {
        FloatArray denoised = denoise(x, sigma);
        return new Guided(denoised, denoised);
    }
}
