package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/** Karras et al. 2022 (arXiv 2206.00364), algorithm 2 without churn and without the second-order correction. */
record Euler() implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            float sigma = sigmas[i];
            float dt = sigmas[i + 1] - sigma;
            FloatArray denoised = model.denoise(x, sigma);
            x = Latents.combine(x, denoised, (v, d) -> v + (v - d) / sigma * dt);
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
