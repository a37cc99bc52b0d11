package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/** Karras et al. 2022 (arXiv 2206.00364), algorithm 2 without the second-order correction. */
record Euler(Churn churn) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            float sigma = churn.level(sigmas[i], steps);
            x = churn.raise(x, sigmas[i], sigma);
            FloatArray d = Latents.slope(x, model.denoise(x, sigma), sigma);
            x = Latents.plus(x, sigmas[i + 1] - sigma, d);
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
