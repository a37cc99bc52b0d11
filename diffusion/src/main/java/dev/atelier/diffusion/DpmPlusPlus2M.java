package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * DPM-Solver++ (2M): Lu et al. 2022 (arXiv 2211.01095), algorithm 2, in the variables of k-diffusion: the time is
 * −ln σ, so a step has the length h = ln(σ/σ').
 */
record DpmPlusPlus2M() implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        FloatArray previous = x; // D of the step before; not read in the first step
        for (int i = 0; i < steps; i++) {
            FloatArray denoised = model.denoise(x, sigmas[i]);
            float ratio = sigmas[i + 1] / sigmas[i];
            double h = -Math.log(ratio);

            FloatArray estimate = denoised;
            if (i > 0 && sigmas[i + 1] > 0) {
                double r = Math.log(sigmas[i - 1] / sigmas[i]) / h;
                float ahead = (float) (1 / (2 * r));
                estimate = Latents.combine(denoised, previous, (d, p) -> (1 + ahead) * d - ahead * p);
            }

            float weight = (float) -Math.expm1(-h); // 1 in the last step, where h is infinite
            x = Latents.combine(x, estimate, (v, d) -> ratio * v + weight * d);
            previous = denoised;
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
