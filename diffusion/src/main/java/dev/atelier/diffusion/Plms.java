package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * Pseudo linear multistep (Liu et al. 2022, arXiv 2202.09778, section 3.3): the Adams–Bashforth weights for even steps,
 * up to four of them, over the noise that the network saw. Its first step is that of {@link Heun}, which is what one
 * pseudo improved Euler step is on latents {@code x0 + σ·noise}.
 */
record Plms() implements Sampler {
    private static final double[][] WEIGHTS = {
        {}, // by Heun
        {3.0 / 2, -1.0 / 2},
        {23.0 / 12, -16.0 / 12, 5.0 / 12},
        {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24},
    };

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        Recent noises = new Recent(WEIGHTS.length);
        for (int i = 0; i < steps; i++) {
            float dt = sigmas[i + 1] - sigmas[i];
            noises.add(Latents.slope(x, model.denoise(x, sigmas[i]), sigmas[i]));
            if (i == 0) {
                FloatArray e = noises.ago(0);
                FloatArray euler = Latents.plus(x, dt, e);
                FloatArray e2 = Latents.slope(euler, model.denoise(euler, sigmas[1]), sigmas[1]);
                x = Latents.plus(x, dt, Latents.weighted(0.5, e, 0.5, e2));
            } else {
                double[] weights = WEIGHTS[Math.min(i, WEIGHTS.length - 1)];
                for (int j = 0; j < weights.length; j++) {
                    x = Latents.plus(x, dt * weights[j], noises.ago(j));
                }
            }
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
