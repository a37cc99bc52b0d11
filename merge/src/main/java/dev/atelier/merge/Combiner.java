package dev.atelier.merge;

import java.util.Arrays;
import java.util.List;

/**
 * Adds weighted task vectors (differences of fine-tunes from their base) to the base, where models may be made to agree
 * on a sign first: mergekit's generalised task arithmetic.
 */
final class Combiner {
    private final double[] weights;
    private final Consensus consensus;
    private final double tie;
    private final boolean normalize;
    private final double lambda;

    private Combiner(double[] weights, Consensus consensus, double tie, boolean normalize, double lambda) {
        this.weights = weights;
        this.consensus = consensus;
        this.tie = tie;
        this.normalize = normalize;
        this.lambda = lambda;
    }

    /** Whose sign wins where models disagree. */
    enum Consensus {
        /** Nobody's: all are added. */
        NONE,
        /** That of the sum. */
        SUM,
        /** That of most models. */
        COUNT
    }

    /** By how much a model's difference at an index is multiplied, 0 where it is left out. */
    @FunctionalInterface
    interface Factor {
        Factor ALL = (_, _, _) -> 1;

        double of(int model, long index, double delta);
    }

    static final Parameter<List<Double>> WEIGHTS = Parameter.perModel("weights", 1, "the weights of the models");
    static final Parameter<Double> LAMBDA = Parameter.number("lambda", 1, "how much of the merged difference is added");
    static final Parameter<Boolean> NORMALIZE =
            Parameter.flag("normalize", false, "divide by the sum of the weights that took part");
    static final Parameter<Consensus> CONSENSUS = Parameter.choice(
            "consensus", Consensus.NONE, "keep only differences of the sign of their sum, or of most models");

    /** Without agreement on signs. */
    static Combiner adding(Operands in, Settings p) {
        return of(in, p, Consensus.NONE, 1, p.of(NORMALIZE));
    }

    /** @param tie the sign that wins where the votes cancel out: 1, -1 or, for neither, 0 */
    static Combiner of(Operands in, Settings p, Consensus consensus, double tie, boolean normalize) {
        return new Combiner(p.perModel(WEIGHTS, in.count() - 1), consensus, tie, normalize, p.of(LAMBDA));
    }

    /** The merged value from the base's, {@code x[0]}, and the models'. */
    double of(double[] x, long index, Factor factor) {
        agree(x, index, factor);
        double sum = 0;
        double divisor = 0;
        for (int i = 0; i < weights.length; i++) {
            if (consensus == Consensus.NONE || x[i + 1] != 0) {
                sum += x[i + 1];
                divisor += weights[i];
            }
        }
        return x[0] + lambda * (normalize && Math.abs(divisor) >= 1e-8 ? sum / divisor : sum);
    }

    /** Puts weighted differences in the place of the models' values, 0 for those without the elected sign. */
    void agree(double[] x, long index, Factor factor) {
        weigh(x, index, factor);
        if (consensus != Consensus.NONE) {
            double elected = elected(x);
            for (int i = 1; i < x.length; i++) {
                x[i] = Math.signum(x[i]) == elected ? x[i] : 0;
            }
        }
    }

    /** Puts weighted differences in the place of the models' values. */
    void weigh(double[] x, long index, Factor factor) {
        for (int i = 0; i < weights.length; i++) {
            double delta = x[i + 1] - x[0];
            x[i + 1] = weights[i] * delta * factor.of(i, index, delta);
        }
    }

    private double elected(double[] weighted) {
        double vote = vote(weighted);
        return vote == 0 ? tie : vote;
    }

    /** The sign of the majority among the weighted differences {@code weighted[1…]}. */
    double vote(double[] weighted) {
        return Math.signum(Arrays.stream(weighted)
                .skip(1)
                .map(delta -> consensus == Consensus.COUNT ? Math.signum(delta) : delta)
                .sum());
    }
}
