package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * DPM-Solver-2 (Lu et al. 2022, arXiv 2206.00927, algorithm 1) as k-diffusion has it: a midpoint step in σ, with the
 * midpoint halfway in ln σ, and with the churn of Karras et al. 2022.
 */
record Dpm2(Churn churn) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            float sigma = churn.level(sigmas[i], steps);
            x = step(model, churn.raise(x, sigmas[i], sigma), sigma, sigmas[i + 1]);
            listener.finished(i + 1, steps);
        }
        return x;
    }

    /** One step: along the slope at its middle, but to 0, where there is none in ln σ, along the first. */
    static FloatArray step(Denoiser model, FloatArray x, float sigma, double next) {
        FloatArray d = Latents.slope(x, model.denoise(x, sigma), sigma);
        if (next == 0) {
            return Latents.plus(x, -sigma, d);
        }
        float middle = (float) Math.sqrt(sigma * next);
        FloatArray x2 = Latents.plus(x, middle - sigma, d);
        FloatArray d2 = Latents.slope(x2, model.denoise(x2, middle), middle);
        return Latents.plus(x, next - sigma, d2);
    }
}
