package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/** Karras et al. 2022 (arXiv 2206.00364), algorithm 2. */
record Heun(Churn churn) implements Sampler {

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

    /** One step: along the mean of the slopes at both its ends, but to 0, where there is no slope, along the first. */
    static FloatArray step(Denoiser model, FloatArray x, float sigma, float next) {
        float dt = next - sigma;
        FloatArray d = Latents.slope(x, model.denoise(x, sigma), sigma);
        FloatArray euler = Latents.plus(x, dt, d);
        if (next == 0) {
            return euler;
        }
        FloatArray d2 = Latents.slope(euler, model.denoise(euler, next), next);
        return Latents.plus(x, dt, Latents.weighted(0.5, d, 0.5, d2));
    }
}
