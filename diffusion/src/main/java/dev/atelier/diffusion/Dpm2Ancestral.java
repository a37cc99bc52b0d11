package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/** Ancestral sampling (Ho et al. 2020, arXiv 2006.11239) with the steps of {@link Dpm2}. */
record Dpm2Ancestral(FreshNoise noise) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            AncestralStep step = noise.step(sigmas[i], sigmas[i + 1]);
            x = Dpm2.step(model, x, sigmas[i], step.down());
            x = noise.addTo(x, step.up(), sigmas[i], sigmas[i + 1]);
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
