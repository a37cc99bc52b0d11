package dev.atelier.merge;

import java.util.Arrays;
import java.util.List;

/** The model in the middle. */
final class Medians {
    private static final Parameter<Double> EPSILON =
            Parameter.between("epsilon", 1e-6, 0, 1, "the smallest distance that counts");
    private static final Parameter<Long> ITERATIONS = Parameter.whole("iterations", 100, 1, "at most so many steps");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("median")
                    .formula("the median of all models, element by element")
                    .inputsFrom(1, "A", "…")
                    .source("NumPy median")
                    .tensors((in, _) -> in.each(x -> {
                        Arrays.sort(x);
                        return (x[(x.length - 1) / 2] + x[x.length / 2]) / 2;
                    })),
            MergeMethod.named("geometric-median")
                    .formula("the tensor with the smallest sum of distances to the models")
                    .inputsFrom(2, "A", "…")
                    .parameters(EPSILON, ITERATIONS)
                    .source("Weiszfeld 1937; sd-mecha geometric_median")
                    .tensors((in, p) -> in.after(
                            () -> weiszfeld(Gram.of(in, 0), p.of(EPSILON), p.of(ITERATIONS)), shares -> (x, _) -> {
                                double sum = x[0];
                                for (int i = 1; i < x.length; i++) {
                                    sum += shares[i] * (x[i] - x[0]);
                                }
                                return sum;
                            })));

    private Medians() {}

    /** Repeated means, weighted by the inverse of the distance from the last one; only the models' shares change. */
    private static double[] weiszfeld(Gram gram, double epsilon, long iterations) {
        int n = gram.count();
        double[] shares = new double[n];
        Arrays.fill(shares, 1.0 / n);
        double objective = Double.POSITIVE_INFINITY;
        for (long step = 0; step < iterations; step++) {
            double[] distances = distances(gram, shares);
            double[] weights = Arrays.stream(distances)
                    .map(distance -> 1 / Math.max(distance, epsilon))
                    .toArray();
            double sum = Arrays.stream(weights).sum();
            shares = Arrays.stream(weights).map(weight -> weight / sum).toArray();
            double next = Arrays.stream(distances(gram, shares)).average().orElse(0);
            if (Math.abs(objective - next) <= 1e-20 * next) {
                break;
            }
            objective = next;
        }
        return shares;
    }

    private static double[] distances(Gram gram, double[] shares) {
        double[] distances = new double[shares.length];
        for (int i = 0; i < shares.length; i++) {
            double[] towards = shares.clone();
            towards[i] -= 1;
            distances[i] = gram.norm(towards);
        }
        return distances;
    }
}
