package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * The stochastic part of Karras et al. 2022 (arXiv 2206.00364), algorithm 2: before a step the latent is made a little
 * noisier than its noise level says.
 *
 * @param amount S_churn; 0 is none
 * @param min S_tmin, the lowest noise level that is churned
 * @param max S_tmax, the highest
 * @param scale S_noise, the standard deviation of the noise itself
 */
record Churn(double amount, double min, double max, double scale, StepNoise source) {
    private static final double MOST = Math.sqrt(2) - 1;

    /** σ̂, the noise level at which a step of a run of {@code steps} steps begins. */
    float level(float sigma, int steps) {
        boolean within = min <= sigma && sigma <= max;
        double gamma = within ? Math.min(amount / steps, MOST) : 0;
        return (float) (sigma * (1 + gamma));
    }

    /**
     * {@code x} at {@code sigma}, brought to {@code level}. As in k-diffusion every step draws, also one outside the
     * limits, so that moving them leaves the noise of other steps as it is.
     */
    FloatArray raise(FloatArray x, float sigma, float level) {
        if (amount == 0) {
            return x;
        }
        FloatArray noise = source.between(sigma, level);
        double added = Math.sqrt((double) level * level - (double) sigma * sigma);
        return Latents.plus(x, added * scale, noise);
    }
}
