package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * The Adams–Bashforth method for uneven steps, of order 4, over σ: the slope is taken for the polynomial through the
 * last four slopes, and integrated exactly.
 */
record LinearMultistep() implements Sampler {
    private static final int ORDER = 4;
    private static final double GAUSS_NODE = 1 / Math.sqrt(3);

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        Recent slopes = new Recent(ORDER);
        for (int i = 0; i < steps; i++) {
            slopes.add(Latents.slope(x, model.denoise(x, sigmas[i]), sigmas[i]));
            for (int j = 0; j < slopes.size(); j++) {
                x = Latents.plus(x, weight(sigmas, i, j, slopes.size()), slopes.ago(j));
            }
            listener.finished(i + 1, steps);
        }
        return x;
    }

    /** The integral over step i of Lagrange's polynomial for the slope j steps back; Gauss's two nodes give it exactly. */
    private static double weight(float[] sigmas, int i, int j, int order) {
        double middle = ((double) sigmas[i] + sigmas[i + 1]) / 2;
        double half = ((double) sigmas[i + 1] - sigmas[i]) / 2;
        return half
                * (lagrange(sigmas, i, j, order, middle - half * GAUSS_NODE)
                        + lagrange(sigmas, i, j, order, middle + half * GAUSS_NODE));
    }

    private static double lagrange(float[] sigmas, int i, int j, int order, double at) {
        double product = 1;
        for (int k = 0; k < order; k++) {
            if (k != j) {
                product *= (at - sigmas[i - k]) / ((double) sigmas[i - j] - sigmas[i - k]);
            }
        }
        return product;
    }
}
