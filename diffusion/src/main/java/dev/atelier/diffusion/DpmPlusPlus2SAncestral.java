package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * DPM-Solver++(2S) (Lu et al. 2022, arXiv 2211.01095, algorithm 1, with r = ½) for ancestral sampling, in the variables
 * of k-diffusion: the time is −ln σ, so a step has the length h = ln(σ/σ').
 */
record DpmPlusPlus2SAncestral(FreshNoise noise) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            float sigma = sigmas[i];
            AncestralStep step = noise.step(sigma, sigmas[i + 1]);
            FloatArray denoised = model.denoise(x, sigma);
            if (step.down() == 0) {
                x = denoised;
            } else {
                double h = Math.log(sigma / step.down());
                float middle = (float) (sigma * Math.exp(-h / 2));
                FloatArray x2 = Latents.weighted(middle / sigma, x, -Math.expm1(-h / 2), denoised);
                x = Latents.weighted(step.down() / sigma, x, -Math.expm1(-h), model.denoise(x2, middle));
            }
            x = noise.addTo(x, step.up(), sigma, sigmas[i + 1]);
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
