package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * {@link DpmPlusPlus2M} with the guidance of CFG++ (Chung et al. 2024, arXiv 2406.08070), as ComfyUI has it: what stays
 * of the noise, and the step before, are those of the negative prompt.
 */
record DpmPlusPlus2MCfgPlusPlus() implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        FloatArray previous = x; // U of the step before; not read in the first step
        for (int i = 0; i < steps; i++) {
            Denoiser.Guided guided = model.guide(x, sigmas[i]);
            double ratio = (double) sigmas[i + 1] / sigmas[i];
            FloatArray noise = Latents.weighted(ratio, x, -ratio, guided.unconditional());
            x = Latents.plus(guided.denoised(), 1, noise);
            if (i > 0 && sigmas[i + 1] > 0) {
                double h = -Math.log(ratio);
                double r = Math.log((double) sigmas[i - 1] / sigmas[i]) / h;
                FloatArray change = Latents.weighted(1, guided.denoised(), -1, previous);
                x = Latents.plus(x, -Math.expm1(-h) / (2 * r), change);
            }
            previous = guided.unconditional();
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
