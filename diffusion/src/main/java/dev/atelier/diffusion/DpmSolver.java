package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * The steps of DPM-Solver (Lu et al. 2022, arXiv 2206.00927, section 3.2) on latents {@code x0 + σ·noise}, where the
 * half-logSNR λ is the time t = −ln σ. A step from t to {@code to} with the length h weighs the noise ε that the network
 * sees at its start and at one point on the way, t + r·h.
 */
record DpmSolver(Denoiser model) {

    static float sigma(double t) {
        return (float) Math.exp(-t);
    }

    /** Where a step from t to {@code next} goes if noise is to bring it back: to σ_down, but not below the end of the run. */
    static double beyond(double next, double end, double t, FreshNoise noise) {
        if (noise.eta() == 0) {
            return next;
        }
        return Math.min(end, -Math.log(noise.step(Math.exp(-t), Math.exp(-next)).down()));
    }

    /** {@code x} at {@code beyond}, brought back to {@code next} with fresh noise. */
    static FloatArray back(FloatArray x, double beyond, double next, double t, FreshNoise noise) {
        double added = Math.sqrt(Math.exp(-2 * next) - Math.exp(-2 * beyond));
        return noise.addTo(x, added, sigma(t), sigma(next));
    }

    /** ε(x, t). */
    FloatArray noise(FloatArray x, double t) {
        return Latents.slope(x, model.denoise(x, sigma(t)), sigma(t));
    }

    /** x − σ·(eʰ − 1)·ε, with σ at the end of the step. */
    static FloatArray first(FloatArray x, double t, double to, FloatArray noise) {
        return Latents.plus(x, -Math.exp(-to) * Math.expm1(to - t), noise);
    }

    /** The first-order step − σ/(2r)·(eʰ − 1)·(ε_r − ε). */
    static FloatArray second(FloatArray x, double t, double to, FloatArray noise, double r, FloatArray noiseAtR) {
        double weight = -Math.exp(-to) / (2 * r) * Math.expm1(to - t);
        return Latents.plus(first(x, t, to, noise), weight, Latents.weighted(1, noiseAtR, -1, noise));
    }

    /** The first-order step − σ/r·((eʰ − 1)/h − 1)·(ε_r − ε). */
    static FloatArray third(FloatArray x, double t, double to, FloatArray noise, double r, FloatArray noiseAtR) {
        double h = to - t;
        double weight = -Math.exp(-to) / r * (Math.expm1(h) / h - 1);
        return Latents.plus(first(x, t, to, noise), weight, Latents.weighted(1, noiseAtR, -1, noise));
    }
}
