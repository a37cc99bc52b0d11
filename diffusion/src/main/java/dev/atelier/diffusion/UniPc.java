package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * UniPC (Zhao et al. 2023, arXiv 2302.04867, algorithms 5 to 8), predicting D. In the variables of k-diffusion the
 * half-logSNR λ is −ln σ, so a step has the length h = ln(σ/σ').
 */
record UniPc(UniPcOptions options) implements Sampler {
    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        int most = Math.min(options.order(), steps);
        Recent denoised = new Recent(most + 1); // for latents that were predicted, not yet corrected
        denoised.add(model.denoise(x, sigmas[0]));
        for (int i = 0; i < steps; i++) {
            int order = order(i + 1, most, steps);
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
            x = plus(base, predictor(r, h), changes);
            if (i + 1 < steps) {
                denoised.add(model.denoise(x, sigmas[i + 1]));
                changes.add(Latents.weighted(1, denoised.ago(0), -1, denoised.ago(1)));
                x = plus(base, corrector(r, h), changes);
            }
            listener.finished(i + 1, steps);
        }
        return x;
    }

    private int order(int step, int most, int steps) {
        return step < most || !options.lowerOrderFinal() ? Math.min(step, most) : Math.min(most, steps + 1 - step);
    }

    private static FloatArray plus(FloatArray base, double[] weights, List<FloatArray> changes) {
        FloatArray x = base;
        for (int k = 0; k < weights.length; k++) {
            x = Latents.plus(x, weights[k], changes.get(k));
        }
        return x;
    }

    /** The weights of the changes up to now. */
    private double[] predictor(double[] r, double h) {
        int count = r.length - 1;
        if (options.variant() != UniPcOptions.Variant.VARY_COEFF) {
            return scaled(b(h), equalWeights(r, count, h));
        }
        double[] phi = phi(h, count + 1);
        return scaled(-1, solve(columns(r, count), index -> phi[index + 1]));
    }

    /** The weights of the changes up to now, and of that to the next level. */
    private double[] corrector(double[] r, double h) {
        int count = r.length;
        if (options.variant() != UniPcOptions.Variant.VARY_COEFF) {
            return scaled(b(h), equalWeights(r, count, h));
        }
        double[] phi = phi(h, count + 1);
        double[] weights = new double[count];
        for (int k = 0; k < Math.max(1, count - 1); k++) {
            int unit = k;
            double[] row = solve(columns(r, count), index -> index == unit ? 1 : 0);
            for (int j = 0; j < count - 1; j++) {
                weights[j] -= phi[k + 1] * row[j];
            }
            weights[count - 1] =
                    -phi[count] * row[count - 1]; // as the authors' code has it: of the last row it came to
        }
        return weights;
    }

    /** B(h), of a positive sign. */
    private double b(double h) {
        return options.variant() == UniPcOptions.Variant.BH1 ? h : -Math.expm1(-h);
    }

    /** The weights ρ of {@code count} changes: Σ ρ_k·r_k^(n−1) = n!·φ_(n+1)(h)/B(h) for n = 1 to {@code count}. */
    private double[] equalWeights(double[] r, int count, double h) {
        if (count == 1) {
            return new double[] {0.5}; // the limit for small h, which the paper takes for all
        }
        double[] phi = phi(h, count + 1);
        double[] right = new double[count];
        double factorial = 1;
        double[][] powers = new double[count][count];
        for (int n = 0; n < count; n++) {
            right[n] = phi[n + 1] * factorial / -b(h);
            factorial *= n + 2;
            for (int k = 0; k < count; k++) {
                powers[n][k] = Math.pow(r[k], n);
            }
        }
        return solve(powers, n -> right[n]);
    }

    /** {@code r_k^n/(n + 1)!}, row n and column k. */
    private static double[][] columns(double[] r, int count) {
        double[][] columns = new double[count][count];
        double factorial = 1;
        for (int n = 0; n < count; n++) {
            factorial *= n + 1;
            for (int k = 0; k < count; k++) {
                columns[n][k] = Math.pow(r[k], n) / factorial;
            }
        }
        return columns;
    }

    /** h·φ_1(−h), h·φ_2(−h), … of the paper, with the sign of −h. */
    private static double[] phi(double h, int count) {
        double[] phi = new double[count];
        phi[0] = Math.expm1(-h);
        double factorial = 1;
        for (int k = 1; k < count; k++) {
            phi[k] = phi[k - 1] / -h - 1 / factorial;
            factorial *= k + 1;
        }
        return phi;
    }

    private static double[] scaled(double factor, double[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return values;
    }

    /** Gauss's elimination without pivots: the powers of distinct numbers need none. */
    private static double[] solve(double[][] matrix, IntToDoubleFunction rightSide) {
        int n = matrix.length;
        double[] right = IntStream.range(0, n).mapToDouble(rightSide).toArray();
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
