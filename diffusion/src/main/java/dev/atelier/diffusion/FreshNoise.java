package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * The noise that a stochastic sampler adds.
 *
 * @param eta how much of the noise in the latent a step replaces: 0 is none, and the sampler becomes deterministic
 * @param scale what AUTOMATIC1111 calls "Sigma noise": the standard deviation of the noise itself, 1 in theory
 */
record FreshNoise(double eta, double scale, StepNoise source) {

    AncestralStep step(double from, double to) {
        return AncestralStep.of(from, to, eta);
    }

    /** {@code x} and noise of standard deviation {@code amount}. Where that is 0 none is drawn: it could not be seen. */
    FloatArray addTo(FloatArray x, double amount, float sigma, float next) {
        return amount > 0 ? Latents.plus(x, amount * scale, source.between(sigma, next)) : x;
    }
}
