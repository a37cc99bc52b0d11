package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/** Heun++ as ComfyUI runs it: Heun's method that looks two levels ahead, the later slopes weighted by their noise level. */
record HeunPlusPlus(Churn churn) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        for (int i = 0; i < steps; i++) {
            float sigma = churn.level(sigmas[i], steps);
            x = churn.raise(x, sigmas[i], sigma);
            float next = sigmas[i + 1];
            float dt = next - sigma;
            FloatArray first = Latents.slope(x, model.denoise(x, sigma), sigma);
            FloatArray slope = first;
            if (i + 1 < steps) {
                FloatArray ahead = Latents.plus(x, dt, first);
                FloatArray second = Latents.slope(ahead, model.denoise(ahead, next), next);
                if (i + 2 < steps) {
                    float last = sigmas[i + 2];
                    ahead = Latents.plus(ahead, last - next, second);
                    FloatArray third = Latents.slope(ahead, model.denoise(ahead, last), last);
                    double w2 = next / (3d * sigmas[0]);
                    double w3 = last / (3d * sigmas[0]);
                    slope = Latents.plus(Latents.weighted(1 - w2 - w3, first, w2, second), w3, third);
                } else {
                    double w2 = next / (2d * sigmas[0]);
                    slope = Latents.weighted(1 - w2, first, w2, second);
                }
            }
            x = Latents.plus(x, dt, slope);
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
