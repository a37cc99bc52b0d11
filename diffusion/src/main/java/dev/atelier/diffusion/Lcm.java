package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * Multistep consistency sampling (Luo et al. 2023, "Latent Consistency Models", arXiv 2310.04378, algorithm 3): each
 * step takes the picture that the model sees and adds new noise.
 */
record Lcm(StepNoise noise) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            x = model.denoise(x, sigmas[i]);
            if (sigmas[i + 1] > 0) {
                x = Latents.plus(x, sigmas[i + 1], noise.between(sigmas[i], sigmas[i + 1]));
            }
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
