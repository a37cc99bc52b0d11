package dev.atelier.diffusion;

/**
 * The noise levels that a network was trained on, and the map between noise level and time. In the terms of Karras et
 * al. 2022 (arXiv 2206.00364) a latent is {@code x = x0 + σ·noise} with {@code σ_t = √((1 − ᾱ_t)/ᾱ_t)}; between two
 * timesteps ln σ is linear in t, as in k-diffusion's {@code DiscreteSchedule}. Computed in fp32, as there.
 */
public final class NoiseSchedule {
    private final float[] sigmas;
    private final float[] logSigmas;

    /**
     * @param alphasCumprod ᾱ_t for each training timestep, strictly falling within (0, 1)
     * @throws IllegalArgumentException if it is not: an ᾱ table that was rounded to bf16 has σ_0 = 0 and is of no use
     */
    public NoiseSchedule(float[] alphasCumprod) {
        sigmas = new float[alphasCumprod.length];
        logSigmas = new float[alphasCumprod.length];
        float before = 1;
        for (int t = 0; t < alphasCumprod.length; t++) {
            float alpha = alphasCumprod[t];
            if (!(alpha > 0 && alpha < before)) {
                throw new IllegalArgumentException(
                        "alphas_cumprod must fall from below 1 to above 0, but entry %d is %s after %s"
                                .formatted(t, alpha, before));
            }
            before = alpha;
            sigmas[t] = (float) Math.sqrt((1 - alpha) / alpha);
            logSigmas[t] = (float) Math.log(sigmas[t]);
        }
    }

    /** σ of the first timestep; 0.0292 for Stable Diffusion. */
    public float sigmaMin() {
        return sigmas[0];
    }

    /** σ of the last timestep; 14.6146 for Stable Diffusion. */
    public float sigmaMax() {
        return sigmas[sigmas.length - 1];
    }

    /** The last timestep; 999 for Stable Diffusion. */
    int lastTimestep() {
        return sigmas.length - 1;
    }

    /** σ at a timestep within [0, {@link #lastTimestep}], which may be fractional. */
    float sigma(float timestep) {
        int low = (int) timestep;
        int high = (int) Math.ceil(timestep);
        float weight = timestep - low;
        return (float) Math.exp((1 - weight) * logSigmas[low] + weight * logSigmas[high]);
    }

    /** The timestep, usually fractional, at which the noise level is {@code sigma}; clamped to the table's ends. */
    float timestep(float sigma) {
        float logSigma = (float) Math.log(sigma);
        int low = 0;
        while (low + 2 < logSigmas.length && logSigmas[low + 1] <= logSigma) {
            low++;
        }
        int high = low + 1;
        float weight = (logSigmas[low] - logSigma) / (logSigmas[low] - logSigmas[high]);
        weight = Math.clamp(weight, 0f, 1f);
        return (1 - weight) * low + weight * high;
    }
}
