package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * Ancestral sampling (Ho et al. 2020, arXiv 2006.11239) with Euler steps. It is DDIM (Song et al. 2021, arXiv
 * 2010.02502, equation 12) too: on latents {@code x0 + σ·noise} the two are the same formula, η included.
 */
record EulerAncestral(FreshNoise noise) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            AncestralStep step = noise.step(sigmas[i], sigmas[i + 1]);
            FloatArray d = Latents.slope(x, model.denoise(x, sigmas[i]), sigmas[i]);
            x = Latents.plus(x, step.down() - sigmas[i], d);
            x = noise.addTo(x, step.up(), sigmas[i], sigmas[i + 1]);
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
