package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * Strategic stochastic sampling for models of trajectory consistency distillation (Zheng et al. 2024, arXiv 2402.19159,
 * algorithm 4): each step goes down past the next timestep t, to (1 − γ)·t, and fills up with noise. η of the noise is γ.
 */
record Tcd(FreshNoise noise, NoiseSchedule schedule) implements Sampler {
    private static final double CLOSE = 1e-3; // timesteps that come from noise levels are rounded

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            float next = sigmas[i + 1];
            double down = next == 0 ? 0 : down(next);
            x = Latents.plus(x, down - sigmas[i], Latents.slope(x, model.denoise(x, sigmas[i]), sigmas[i]));
            x = noise.addTo(x, Math.sqrt((double) next * next - down * down), sigmas[i], next);
            listener.finished(i + 1, steps);
        }
        return x;
    }

    private double down(float next) {
        if (noise.eta() == 0) {
            return next;
        }
        double timestep = (1 - Math.min(noise.eta(), 1)) * schedule.timestep(next);
        return Math.min(next, schedule.tableSigma((int) (timestep + CLOSE)));
    }
}
