package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.clamp;
import static dev.atelier.merge.Interpolation.lerp;

import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/**
 * A's low and B's high frequencies. The filter f acts on B − A alone, as (1 − f)·FA + f·FB is FA + f·(FB − FA): one
 * transform there and one back, and 16 bytes per element of the largest tensor.
 */
final class Crossover {
    private static final Parameter<Double> ALPHA = Parameter.between("alpha", 0.5, 0, 1, "the share of B");
    private static final Parameter<Double> TILT = Parameter.number(
            "tilt", 0, "0 is B's high frequencies, 2 its low ones, 1 and 3 all alike; in between, gradual");
    private static final Parameter<Double> CENTRE =
            Parameter.between("alpha", 0.5, 0, 1, "the frequency, 0 to 1, from which on B counts");
    private static final Parameter<Double> BETA = Parameter.between("beta", 0, 0, 1, "the width of the transition");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("crossover")
                    .formula("the frequencies of A below 1 - alpha, those of B above, over all axes")
                    .inputs("A", "B")
                    .multiplier(ALPHA)
                    .parameters(TILT)
                    .source("sd-mecha crossover")
                    .tensors((in, p) -> crossover(in, p.of(ALPHA), p.of(TILT))),
            MergeMethod.named("distribution-crossover")
                    .formula("the frequencies of A below alpha, those of B above, in the order of C's values")
                    .inputs("A", "B", "C")
                    .multiplier(CENTRE)
                    .parameters(BETA)
                    .source("meh distribution_crossover")
                    .tensors((in, p) -> distribution(in, p.of(CENTRE), p.of(BETA))));

    private Crossover() {}

    private static Tensor crossover(Operands in, double alpha, double tilt) {
        double turn = (tilt % 4 + 4) % 4;
        if (alpha == 0 || alpha == 1 || turn == 1 || in.shape().rank() == 0) {
            return in.pairs((a, b) -> lerp(a, b, alpha));
        }
        DoubleUnaryOperator filter = filter(alpha, turn);
        return in.whole(() -> {
            double[] a = in.load(0);
            double[] difference = in.load(1);
            for (int i = 0; i < a.length; i++) {
                difference[i] -= a[i];
            }
            if (isClose(a, difference)) {
                for (int i = 0; i < a.length; i++) {
                    a[i] += alpha * difference[i];
                }
                return a;
            }
            double[] imaginary = new double[a.length];
            transform(difference, imaginary, in.shape(), -1);
            for (int i = 0; i < a.length; i++) {
                double share = filter.applyAsDouble(radius(i, in.shape()));
                difference[i] *= share;
                imaginary[i] *= share;
            }
            transform(difference, imaginary, in.shape(), 1);
            for (int i = 0; i < a.length; i++) {
                a[i] += difference[i];
            }
            return a;
        });
    }

    /** Where all elements differ by no more than 1e-8 and a hundred thousandth, the frequencies do not matter. */
    private static boolean isClose(double[] a, double[] difference) {
        for (int i = 0; i < a.length; i++) {
            if (Math.abs(difference[i]) > 1e-8 + 1e-5 * Math.abs(a[i] + difference[i])) {
                return false;
            }
        }
        return true;
    }

    /** The share of B by frequency: a step at tilt 0, a ramp that flattens towards 1, rises again towards 2, and so on. */
    private static DoubleUnaryOperator filter(double share, double tilt) {
        double alpha = tilt > 2 ? 1 - share : share;
        if (tilt == 0) {
            return r -> r > 1 - share ? 1 : 0;
        }
        if (tilt == 2) {
            return r -> r < 1 - share ? 1 : 0;
        }
        double slope = 1 / Math.tan(Math.PI * tilt / 2);
        boolean first = tilt <= 1 || (2 < tilt && tilt <= 3);
        double shift = first ? slope * alpha + alpha - slope : alpha - slope * alpha;
        return r -> {
            double f = clamp(r * slope + shift, 0, 1);
            return tilt > 2 ? 1 - f : f;
        };
    }

    /** The distance from frequency 0, where the highest frequency of each axis is at 1. */
    private static double radius(int index, Shape shape) {
        double squares = 0;
        int rest = index;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            int size = (int) shape.size(axis);
            int place = rest % size;
            rest /= size;
            if (size > 1) {
                int highest = size / 2;
                double frequency = (double) Math.min(place, size - place) / highest;
                squares += frequency * frequency;
            }
        }
        return Math.sqrt(squares / shape.rank());
    }

    private static void transform(double[] real, double[] imaginary, Shape shape, int sign) {
        int inner = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            int size = (int) shape.size(axis);
            Fourier.transform(real, imaginary, size, inner, sign);
            inner *= size;
        }
    }

    private static Tensor distribution(Operands in, double alpha, double beta) {
        if (in.shape().rank() == 0) {
            return in.triples((a, b, _) -> alpha * a + (1 - alpha) * b);
        }
        return in.whole(() -> {
            int[] order = Order.ascending(in.load(2));
            int n = order.length;
            double[] a = in.load(0);
            double[] b = in.load(1);
            double[] real = new double[n];
            double[] imaginary = new double[n];
            for (int i = 0; i < n; i++) {
                real[i] = b[order[i]] - a[order[i]];
            }
            Fourier.transform(real, imaginary, n, 1, -1);
            int count = n / 2 + 1;
            for (int i = 0; i < n; i++) {
                double frequency = (double) Math.min(i, n - i) / count;
                double share =
                        beta > 1e-10 ? clamp((frequency - alpha) / beta + 0.5, 0, 1) : frequency >= alpha ? 1 : 0;
                real[i] *= share;
                imaginary[i] *= share;
            }
            Fourier.transform(real, imaginary, n, 1, 1);
            for (int i = 0; i < n; i++) {
                a[order[i]] += real[i];
            }
            return a;
        });
    }
}
