package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * DEIS (Zhang and Chen 2023, arXiv 2204.13902), the variant tAB of order 3, as ComfyUI runs it: the slope is taken for a
 * polynomial in the time of a variance-preserving process, and integrated by a sum.
 */
record Deis() implements Sampler {
    private static final int ORDER = 3;
    private static final int POINTS = 10_000;

    // the process between these noise levels takes the time from EPSILON to 1
    private static final double EPSILON = 1e-3;
    private static final double LOWEST = 0.002;
    private static final double HIGHEST = 80;
    private static final double SLOPE =
            2 * (Math.log(LOWEST * LOWEST + 1) / EPSILON - Math.log(HIGHEST * HIGHEST + 1)) / (EPSILON - 1);
    private static final double START = Math.log(HIGHEST * HIGHEST + 1) - SLOPE / 2;

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        Recent slopes = new Recent(ORDER);
        for (int i = 0; i < steps; i++) {
            slopes.add(Latents.slope(x, model.denoise(x, sigmas[i]), sigmas[i]));
            if (i == 0 || sigmas[i + 1] == 0) {
                x = Latents.plus(x, (double) sigmas[i + 1] - sigmas[i], slopes.ago(0));
            } else {
                for (int j = 0; j < slopes.size(); j++) {
                    x = Latents.plus(x, weight(sigmas, i, j, slopes.size()), slopes.ago(j));
                }
            }
            listener.finished(i + 1, steps);
        }
        return x;
    }

    private static double time(double sigma) {
        return (Math.sqrt(START * START + 2 * SLOPE * Math.log(sigma * sigma + 1)) - START) / SLOPE;
    }

    /** What the slope j steps back counts for in step i. */
    private static double weight(float[] sigmas, int i, int j, int count) {
        double from = time(sigmas[i]);
        double to = time(sigmas[i + 1]);
        double sum = 0;
        for (int point = 0; point < POINTS; point++) {
            double u = from + (to - from) * point / (POINTS - 1);
            double beta = u * SLOPE + START;
            double alpha = Math.exp(-0.5 * u * u * SLOPE - u * START);
            double value = 0.5 * beta / Math.sqrt(alpha * (1 - alpha));
            for (int k = 0; k < count; k++) {
                if (k != j) {
                    value *= (u - time(sigmas[i - k])) / (time(sigmas[i - j]) - time(sigmas[i - k]));
                }
            }
            sum += value;
        }
        return (to - from) / POINTS * sum;
    }
}
