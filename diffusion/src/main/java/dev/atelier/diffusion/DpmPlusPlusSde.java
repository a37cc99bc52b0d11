package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * DPM-Solver++(2S) (Lu et al. 2022, arXiv 2211.01095, algorithm 1, with r = ½) for the stochastic equation, as
 * k-diffusion has it: both halves of a step add noise of one Brownian path.
 */
record DpmPlusPlusSde(FreshNoise noise) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            FloatArray denoised = model.denoise(x, sigmas[i]);
            if (sigmas[i + 1] == 0) {
                x = denoised;
            } else {
                float middle = (float) Math.sqrt((double) sigmas[i] * sigmas[i + 1]);
                FloatArray x2 = step(x, denoised, sigmas[i], middle);
                x = step(x, model.denoise(x2, middle), sigmas[i], sigmas[i + 1]);
            }
            listener.finished(i + 1, steps);
        }
        return x;
    }

    private FloatArray step(FloatArray x, FloatArray denoised, float sigma, float next) {
        AncestralStep step = noise.step(sigma, next);
        double ratio = step.down() / sigma;
        FloatArray lower = Latents.weighted(ratio, x, 1 - ratio, denoised);
        return noise.addTo(lower, step.up(), sigma, next);
    }
}
