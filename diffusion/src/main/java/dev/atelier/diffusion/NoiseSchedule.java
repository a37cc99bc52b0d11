package dev.atelier.diffusion;

/**
 * The noise levels that a network was trained on, and the map between noise level and time. In the terms of Karras et
 * al. 2022 (arXiv 2206.00364) a latent is {@code x = x0 + σ·noise} with {@code σ_t = √((1 − ᾱ_t)/ᾱ_t)}; between two
 * timesteps ln σ is linear in t, as in k-diffusion's {@code DiscreteSchedule}. Computed in fp32, as there.
 */
public final class NoiseSchedule {
    // a latent consistency model is distilled to 50 of the 1000 timesteps (Luo et al. 2023, arXiv 2310.04378)
    private static final int DISTILLED_STRIDE = 20;

    private final float[] sigmas;
    private final float[] logSigmas;
    private final int firstTimestep;
    private final int stride;
    private final AlignYourSteps alignYourSteps;

    /**
     * As {@link #NoiseSchedule(float[], AlignYourSteps)} for the networks of SD 1.x and 2.x.
     *
     * @param alphasCumprod ᾱ_t for each training timestep, strictly falling within (0, 1)
     * @throws IllegalArgumentException if it is not: an ᾱ table that was rounded to bf16 has σ_0 = 0 and is of no use
     */
    public NoiseSchedule(float[] alphasCumprod) {
        this(alphasCumprod, AlignYourSteps.SD1);
    }

    /** @param alignYourSteps the noise levels that were optimised for this network */
    NoiseSchedule(float[] alphasCumprod, AlignYourSteps alignYourSteps) {
        this(sigmas(alphasCumprod), 0, 1, alignYourSteps);
    }

    private NoiseSchedule(float[] sigmas, int firstTimestep, int stride, AlignYourSteps alignYourSteps) {
        this.sigmas = sigmas;
        this.logSigmas = new float[sigmas.length];
        for (int i = 0; i < sigmas.length; i++) {
            logSigmas[i] = (float) Math.log(sigmas[i]);
        }
        this.firstTimestep = firstTimestep;
        this.stride = stride;
        this.alignYourSteps = alignYourSteps;
    }

    private static float[] sigmas(float[] alphasCumprod) {
        float[] sigmas = new float[alphasCumprod.length];
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
        }
        return sigmas;
    }

    /** Only the noise levels that a latent consistency model knows: timesteps 19, 39, …, 999. */
    NoiseSchedule distilled() {
        float[] known = new float[sigmas.length / DISTILLED_STRIDE];
        for (int i = 0; i < known.length; i++) {
            known[i] = sigmas[(i + 1) * DISTILLED_STRIDE - 1];
        }
        return new NoiseSchedule(known, DISTILLED_STRIDE - 1, DISTILLED_STRIDE, alignYourSteps);
    }

    /** σ of the first timestep; 0.0292 for Stable Diffusion. */
    public float sigmaMin() {
        return sigmas[0];
    }

    /** σ of the last timestep; 14.6146 for Stable Diffusion. */
    public float sigmaMax() {
        return sigmas[sigmas.length - 1];
    }

    /** 0, or 19 for a latent consistency model. */
    int firstTimestep() {
        return firstTimestep;
    }

    /** The last timestep; 999 for Stable Diffusion. */
    int lastTimestep() {
        return firstTimestep + stride * (sigmas.length - 1);
    }

    /** How many noise levels the network knows; 1000 for Stable Diffusion. */
    int tableSize() {
        return sigmas.length;
    }

    /** One of the noise levels that the network knows, counted from the lowest. */
    float tableSigma(int index) {
        return sigmas[index];
    }

    AlignYourSteps alignYourSteps() {
        return alignYourSteps;
    }

    /** σ at a timestep within [{@link #firstTimestep}, {@link #lastTimestep}], which may be fractional. */
    float sigma(float timestep) {
        float index = (timestep - firstTimestep) / stride;
        int low = (int) index;
        int high = (int) Math.ceil(index);
        float weight = index - low;
        return (float) Math.exp((1 - weight) * logSigmas[low] + weight * logSigmas[high]);
    }

    /** As {@link #sigma}, but with ln ᾱ linear in t between two timesteps: DPM-Solver's reading of a noise table. */
    float sigmaByAlpha(double timestep) {
        int low = (int) timestep;
        int high = (int) Math.ceil(timestep);
        double weight = timestep - low;
        double logAlpha = (1 - weight) * logAlpha(low) + weight * logAlpha(high);
        return (float) Math.sqrt(Math.expm1(-logAlpha));
    }

    /** ln ᾱ = −ln(1 + σ²). */
    private double logAlpha(int index) {
        return -Math.log1p((double) sigmas[index] * sigmas[index]);
    }

    /**
     * The timestep at which the noise level is {@code sigma}, clamped to the table's ends. It is usually fractional; a
     * latent consistency model knows no fractions, and it is the nearest one.
     */
    float timestep(float sigma) {
        float logSigma = (float) Math.log(sigma);
        int low = 0;
        while (low + 2 < logSigmas.length && logSigmas[low + 1] <= logSigma) {
            low++;
        }
        int high = low + 1;
        if (stride > 1) {
            boolean lower = Math.abs(logSigma - logSigmas[low]) <= Math.abs(logSigma - logSigmas[high]);
            return firstTimestep + stride * (lower ? low : high);
        }
        float weight = (logSigmas[low] - logSigma) / (logSigmas[low] - logSigmas[high]);
        weight = Math.clamp(weight, 0f, 1f);
        return (1 - weight) * low + weight * high;
    }

    /** How large a share of the network's timesteps lies behind a run that has come down to {@code sigma}: 0 to 1. */
    double shareBehind(float sigma) {
        int nearest = 0;
        for (int i = 1; i < sigmas.length; i++) {
            if (Math.abs(sigmas[i] - sigma) < Math.abs(sigmas[nearest] - sigma)) {
                nearest = i;
            }
        }
        return (double) (sigmas.length - 1 - nearest) / sigmas.length;
    }
}
