package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * iPNDM (Zhang and Chen 2023, "Fast Sampling of Diffusion Models with Exponential Integrator", arXiv 2204.13902, appendix
 * H.2) as ComfyUI runs it over σ: Adams–Bashforth of order 4, with the first steps of lower order.
 *
 * @param uneven whether the weights heed that steps differ in length ({@code ipndm_v} there)
 */
record ImprovedPndm(boolean uneven) implements Sampler {
    private static final int ORDER = 4;
    private static final double[][] EVEN_WEIGHTS = {
        {1}, {3 / 2d, -1 / 2d}, {23 / 12d, -16 / 12d, 5 / 12d}, {55 / 24d, -59 / 24d, 37 / 24d, -9 / 24d}
    };

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        Recent slopes = new Recent(ORDER);
        for (int i = 0; i < steps; i++) {
            FloatArray denoised = model.denoise(x, sigmas[i]);
            slopes.add(Latents.slope(x, denoised, sigmas[i]));
            if (sigmas[i + 1] == 0) {
                x = denoised;
            } else {
                double[] weights = uneven ? weights(sigmas, i, slopes.size()) : EVEN_WEIGHTS[slopes.size() - 1];
                for (int j = 0; j < weights.length; j++) {
                    x = Latents.plus(x, ((double) sigmas[i + 1] - sigmas[i]) * weights[j], slopes.ago(j));
                }
            }
            listener.finished(i + 1, steps);
        }
        return x;
    }

    /** Those of ComfyUI, which with steps of the same length and four slopes are not quite the ones above. */
    private static double[] weights(float[] sigmas, int i, int count) {
        double[] w = new double[count];
        w[0] = 1;
        if (count > 1) {
            double h0 = length(sigmas, i);
            double h1 = length(sigmas, i - 1);
            w[0] += h0 / (2 * h1);
            w[1] = -h0 / (2 * h1);
            if (count > 2) {
                double h2 = length(sigmas, i - 2);
                double t = (1 - h0 * h0 / (3 * h1 * (h1 + h2))) / 2;
                w[0] += t;
                w[1] -= (1 + h1 / h2) * t;
                w[2] = t * h1 / h2;
                if (count > 3) {
                    double h3 = length(sigmas, i - 3);
                    double u = ((1 - h0 / (3 * (h0 + h1))) / 2 + (1 - h0 / (2 * (h0 + h1))) * h0 / (6 * (h0 + h1 + h2)))
                            * (h0 * (h0 + h1) * (h0 + h1 + h2))
                            / (h1 * (h1 + h2) * (h1 + h2 + h3));
                    double p = h1 * (h1 + h2) / (h2 * (h2 + h3));
                    w[0] += u;
                    w[1] -= (1 + h1 / h2 + p) * u;
                    w[2] += (h1 / h2 + p * (1 + h2 / h3)) * u;
                    w[3] = -u * p * h1 / h2;
                }
            }
        }
        return w;
    }

    private static double length(float[] sigmas, int step) {
        return (double) sigmas[step + 1] - sigmas[step];
    }
}
