package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.clamp;
import static dev.atelier.merge.Interpolation.lerp;

import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/**
 * A's low and B's high frequencies. The filter f acts on B − A alone, as (1 − f)·FA + f·FB is FA + f·(FB − FA): one
 * transform there and one back, of real numbers, kept in fp32. Memory: 4 bytes per element of the largest tensor, 8 in the order of
 * C.
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
        return in.after(
                () -> difference(in, filter),
                difference -> difference.isEmpty()
                        ? (x, _) -> x[0] + alpha * (x[1] - x[0])
                        : (x, index) -> x[0] + difference.get().get((int) index));
    }

    /** B − A, filtered; nothing if all elements differ by no more than 1e-8 and a hundred thousandth. */
    private static Optional<Spectrum> difference(Operands in, DoubleUnaryOperator filter) {
        Spectrum difference = Spectrum.of(in.shape());
        boolean[] differs = {false};
        in.sweep((x, index) -> {
            differs[0] |= Math.abs(x[1] - x[0]) > 1e-8 + 1e-5 * Math.abs(x[1]);
            difference.set((int) index, x[1] - x[0]);
        });
        if (!differs[0]) {
            return Optional.empty();
        }
        difference.filter(frequencies -> filter.applyAsDouble(radius(frequencies, in.shape())));
        return Optional.of(difference);
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
    private static double radius(int[] frequencies, Shape shape) {
        double squares = 0;
        for (int axis = 0; axis < frequencies.length; axis++) {
            int size = (int) shape.size(axis);
            if (size > 1) {
                int highest = size / 2;
                double frequency = (double) Math.min(frequencies[axis], size - frequencies[axis]) / highest;
                squares += frequency * frequency;
            }
        }
        return Math.sqrt(squares / shape.rank());
    }

    private static Tensor distribution(Operands in, double alpha, double beta) {
        if (in.shape().rank() == 0) {
            return in.triples((a, b, _) -> alpha * a + (1 - alpha) * b);
        }
        int n = Math.toIntExact(in.elements());
        int count = n / 2 + 1;
        return in.after(
                () -> {
                    int[] ranks = Order.ranks(in, (x, _) -> x[2]);
                    Spectrum difference = Spectrum.ofLine(n);
                    in.sweep((x, index) -> difference.set(ranks[(int) index], x[1] - x[0]));
                    difference.filter(frequencies -> {
                        int place = frequencies[0] + difference.rows() * frequencies[1];
                        double frequency = (double) Math.min(place, n - place) / count;
                        return beta > 1e-10
                                ? clamp((frequency - alpha) / beta + 0.5, 0, 1)
                                : frequency >= alpha ? 1 : 0;
                    });
                    return Order.inPlaceOfRanks(in, ranks, (_, index) -> difference.get(ranks[(int) index]));
                },
                difference -> (x, index) -> x[0] + difference.of(x, index));
    }
}
