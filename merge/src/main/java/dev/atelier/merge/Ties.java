package dev.atelier.merge;

import static dev.atelier.merge.Combiner.LAMBDA;
import static dev.atelier.merge.Combiner.WEIGHTS;

import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.Combiner.Consensus;
import dev.atelier.merge.Combiner.Factor;
import java.util.List;

/** TIES-Merging: trim each difference to its largest elements, elect a sign, average what agrees with it. */
final class Ties {
    private enum Trim {
        /** The threshold of the authors' code: one more than the density says, and all equals. */
        PAPER,
        /** Exactly what the density says; of equals the first. */
        MERGEKIT,
        /** sd-mecha's and meh's threshold. */
        MECHA
    }

    private enum Vote {
        VALUES,
        SIGNS
    }

    private enum Tie {
        MAJORITY,
        PLUS,
        ZERO
    }

    private static final Parameter<Double> DENSITY =
            Parameter.between("density", 0.2, 0, 1, "the share of differences that is kept, the largest");
    private static final Parameter<Trim> TRIM =
            Parameter.choice("trim", Trim.PAPER, "how the threshold is counted; they differ by an element or two");
    private static final Parameter<Vote> VOTE =
            Parameter.choice("vote", Vote.VALUES, "whether values or their signs are summed to elect a sign");
    private static final Parameter<Tie> TIE =
            Parameter.choice("tie", Tie.MAJORITY, "the sign where votes cancel out: the tensor's majority, +, or none");
    private static final Parameter<Boolean> NORMALIZE =
            Parameter.flag("normalize", true, "divide by the sum of the weights that took part");
    private static final Parameter<Boolean> STOCK =
            Parameter.flag("stock", false, "multiply each last-axis row by its model-stock factor");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("ties")
                    .formula("base + lambda * mean of the largest differences that have the elected sign")
                    .inputsFrom(2, "base", "models…")
                    .multiplier(LAMBDA)
                    .parameters(DENSITY, WEIGHTS, VOTE, TIE, TRIM, NORMALIZE, STOCK)
                    .source("TIES-Merging, arXiv 2306.01708; mergekit ties; sd-mecha ties_sum; meh ties_add_difference")
                    .tensors(Ties::ties),
            MergeMethod.named("prune-top-k")
                    .formula("base + lambda * the largest differences of B from base")
                    .inputs("base", "B")
                    .multiplier(LAMBDA)
                    .parameters(DENSITY, TRIM)
                    .source("sd-mecha filter_top_k")
                    .tensors((in, p) -> {
                        double lambda = p.of(LAMBDA);
                        return in.after(() -> trimmed(in, p.of(DENSITY), p.of(TRIM)), factor -> (x, index) -> {
                            double delta = x[1] - x[0];
                            return x[0] + lambda * delta * factor.of(0, index, delta);
                        });
                    }));

    private Ties() {}

    private static final class Prepared {
        private final Combiner combiner;
        private final Factor factor;
        private final double[] stock;

        Prepared(Combiner combiner, Factor factor, double[] stock) {
            this.combiner = combiner;
            this.factor = factor;
            this.stock = stock;
        }
    }

    private static Tensor ties(Operands in, Settings p) {
        Consensus consensus = p.of(VOTE) == Vote.VALUES ? Consensus.SUM : Consensus.COUNT;
        long row = Math.max(1, in.lastAxis());
        return in.after(
                () -> {
                    Factor factor = trimmed(in, p.of(DENSITY), p.of(TRIM));
                    Combiner undecided = Combiner.of(in, p, consensus, 0, p.of(NORMALIZE));
                    double tie = switch (p.of(TIE)) {
                        case PLUS -> 1;
                        case ZERO -> 0;
                        case MAJORITY -> majority(in, undecided, factor);
                    };
                    Combiner combiner = Combiner.of(in, p, consensus, tie, p.of(NORMALIZE));
                    return new Prepared(
                            combiner,
                            factor,
                            p.of(STOCK)
                                    ? ModelStock.factors(in, (x, index) -> combiner.agree(x, index, factor), row)
                                    : new double[0]);
                },
                ready -> (x, index) -> {
                    double base = x[0];
                    double merged = ready.combiner.of(x, index, ready.factor);
                    return ready.stock.length == 0 ? merged : base + (merged - base) * ready.stock[(int) (index / row)];
                });
    }

    private static Factor trimmed(Operands in, double density, Trim trim) {
        long n = in.elements();
        long threshold = switch (trim) {
            case PAPER -> n - 1 - (long) (n * density);
            case MERGEKIT -> n - Math.max(1, (long) (n * density));
            case MECHA -> Math.max((long) ((1 - density) * n), 1) - 1;
        };
        if (n == 0 || threshold <= 0) {
            return Factor.ALL;
        }
        OrderStatistic[] smallest = new OrderStatistic[in.count() - 1];
        for (int i = 0; i < smallest.length; i++) {
            int operand = i + 1;
            smallest[i] = OrderStatistic.of(in, threshold, (x, _) -> Math.abs(x[operand] - x[0]));
        }
        return trim == Trim.MERGEKIT
                ? (model, index, delta) -> smallest[model].atMost(Math.abs(delta), index) ? 1 : 0
                : (model, _, delta) -> Math.abs(delta) >= smallest[model].value() ? 1 : 0;
    }

    /** The sign that most elements of the tensor elect. */
    private static double majority(Operands in, Combiner combiner, Factor factor) {
        double[] sum = {0};
        in.sweep((x, index) -> {
            combiner.weigh(x, index, factor);
            sum[0] += combiner.vote(x);
        });
        return Math.signum(sum[0]);
    }
}
