package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/** A way of solving the diffusion equation from noise to picture, with the signature of k-diffusion's samplers. */
public sealed interface Sampler permits Euler, DpmPlusPlus2M {

    /**
     * @param x noise of standard deviation {@code sigmas[0]}, {@code [n, channels, h, w]}
     * @param sigmas falling noise levels, one more than there are steps; the last is 0
     * @param listener hears of each finished step, and may throw to end the run
     * @return the latent at the last noise level, of the shape of {@code x}
     */
    FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener);
}
