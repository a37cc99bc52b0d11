package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.List;

/**
 * UniPC (Zhao et al. 2023, arXiv 2302.04867, algorithms 5 to 8) of order 3 with B₁(h) = h, predicting D. In the
 * variables of k-diffusion the half-logSNR λ is −ln σ, so a step has the length h = ln(σ/σ').
 */
record UniPc() implements Sampler {
    private static final int ORDER = 3;

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        Recent denoised = new Recent(ORDER + 1); // for latents that were predicted, not yet corrected
        denoised.add(model.denoise(x, sigmas[0]));
        for (int i = 0; i < steps; i++) {
            int order = Math.min(ORDER, Math.min(i + 1, steps - i)); // lower at both ends
            double h = Math.log((double) sigmas[i] / sigmas[i + 1]);
            double[] r = new double[order]; // the levels before, in steps from the present one; the next one is at 1
            List<FloatArray> changes = new ArrayList<>();
            for (int k = 1; k < order; k++) {
                r[k - 1] = Math.log((double) sigmas[i] / sigmas[i - k]) / h;
                changes.add(Latents.weighted(1 / r[k - 1], denoised.ago(k), -1 / r[k - 1], denoised.ago(0)));
            }
            r[order - 1] = 1;

            double ratio = (double) sigmas[i + 1] / sigmas[i];
            FloatArray base = Latents.weighted(ratio, x, 1 - ratio, denoised.ago(0));
            x = base;
            double[] predictor = weights(r, order - 1, h);
            for (int k = 0; k < order - 1; k++) {
                x = Latents.plus(x, h * predictor[k], changes.get(k));
            }
            if (i + 1 < steps) {
                denoised.add(model.denoise(x, sigmas[i + 1]));
                changes.add(Latents.weighted(1, denoised.ago(0), -1, denoised.ago(1)));
                double[] corrector = weights(r, order, h);
                x = base;
                for (int k = 0; k < order; k++) {
                    x = Latents.plus(x, h * corrector[k], changes.get(k));
                }
            }
            listener.finished(i + 1, steps);
        }
        return x;
    }

    /** The weights ρ of {@code count} changes: Σ ρ_k·r_k^(n−1) = n!·φ_(n+1)(h)/B(h) for n = 1 to {@code count}. */
    private static double[] weights(double[] r, int count, double h) {
        if (count == 1) {
            return new double[] {0.5}; // the limit for small h, which the paper takes for all
        }
        double[][] powers = new double[count][count];
        double[] right = new double[count];
        double phi = Math.expm1(-h) / -h - 1;
        double factorial = 1;
        for (int n = 0; n < count; n++) {
            for (int k = 0; k < count; k++) {
                powers[n][k] = Math.pow(r[k], n);
            }
            right[n] = phi * factorial / -h;
            factorial *= n + 2;
            phi = phi / -h - 1 / factorial;
        }
        return solve(powers, right);
    }

    /** Gauss's elimination without pivots: the powers of distinct numbers need none. */
    private static double[] solve(double[][] matrix, double[] right) {
        int n = right.length;
        for (int i = 0; i < n; i++) {
            for (int row = i + 1; row < n; row++) {
                double factor = matrix[row][i] / matrix[i][i];
                for (int column = i; column < n; column++) {
                    matrix[row][column] -= factor * matrix[i][column];
                }
                right[row] -= factor * right[i];
            }
        }
        double[] solution = new double[n];
        for (int i = n - 1; i >= 0; i--) {
            double sum = right[i];
            for (int column = i + 1; column < n; column++) {
                sum -= matrix[i][column] * solution[column];
            }
            solution[i] = sum / matrix[i][i];
        }
        return solution;
    }
}
