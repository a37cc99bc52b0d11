package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * DDIM CFG++ (Chung et al. 2024, arXiv 2406.08070, algorithm 1): the picture is estimated with guidance, but the noise
 * that stays in it is what the negative prompt alone sees. On latents {@code x0 + σ·noise} it is ComfyUI's Euler CFG++ too,
 * with η that of Euler a.
 */
record DdimCfgPlusPlus(FreshNoise noise) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            AncestralStep step = noise.step(sigmas[i], sigmas[i + 1]);
            Denoiser.Guided guided = model.guide(x, sigmas[i]);
            FloatArray d = Latents.slope(x, guided.unconditional(), sigmas[i]);
            x = Latents.plus(guided.denoised(), step.down(), d);
            x = noise.addTo(x, step.up(), sigmas[i], sigmas[i + 1]);
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
