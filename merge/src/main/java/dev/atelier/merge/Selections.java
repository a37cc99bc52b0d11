package dev.atelier.merge;

import java.util.Arrays;
import java.util.List;

/** Methods that pick, element by element, which models' differences from the base count. */
final class Selections {
    private static final Parameter<Double> TOP_K = Parameter.between(
            "select-top-k", 1, 0, 1, "the share of elements kept: those that vary most between models");
    private static final Parameter<Double> UNCHANGED =
            Parameter.between("epsilon", 1e-5, 0, 1, "the difference up to which an element counts as unchanged");
    private static final Parameter<Double> REINFORCEMENT =
            Parameter.number("r", 0.1, "how strongly a model's own differences are reinforced");
    private static final Parameter<Double> MOST =
            Parameter.between("alpha", 0.2, 0, 1e6, "the largest ratio of shared to own differences that counts");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("sce")
                    .formula(
                            "base + sum of w*d / sum of w, over differences d that vary most and have the sign of their"
                                    + " sum; w the model's share of the mean square")
                    .inputsFrom(2, "base", "models…")
                    .parameters(TOP_K)
                    .source("SCE of FuseChat, arXiv 2408.07990; mergekit sce")
                    .tensors((in, p) -> in.after(() -> Sce.of(in, p.of(TOP_K)), sce -> sce::element)),
            MergeMethod.named("ram")
                    .formula("base + the mean of those differences that are not 0")
                    .inputsFrom(2, "base", "models…")
                    .parameters(UNCHANGED)
                    .source("mergekit ram")
                    .tensors((in, p) -> {
                        double unchanged = p.of(UNCHANGED);
                        double[] factors = new double[in.count()];
                        Arrays.fill(factors, 1);
                        return in.each(x -> reinforced(x, unchanged, factors));
                    }),
            MergeMethod.named("ramplus")
                    .formula("as ram, but differences of one model alone times 1 + r*min(alpha, s/u): s of that model's"
                            + " differences are shared, u its own")
                    .inputsFrom(2, "base", "models…")
                    .parameters(REINFORCEMENT, MOST, UNCHANGED)
                    .source("Reinforced Agent Merging, arXiv 2601.13572; mergekit ramplus_tl")
                    .tensors((in, p) -> {
                        double unchanged = p.of(UNCHANGED);
                        return in.after(
                                () -> factors(in, unchanged, p.of(REINFORCEMENT), p.of(MOST)),
                                factors -> (x, _) -> reinforced(x, unchanged, factors));
                    }),
            MergeMethod.named("arcee-fusion")
                    .formula(
                            "B where it matters, else base: where |B - base| * KL(softmax B, softmax base) of the row is"
                                    + " at least median + 1.5 interquartile ranges")
                    .inputs("base", "B")
                    .source("mergekit arcee_fusion, with all elements instead of a sample")
                    .tensors((in, _) -> in.after(
                            () -> Importance.of(in),
                            importance ->
                                    (x, index) -> importance.of(x, index) >= importance.threshold ? x[1] : x[0])));

    private Selections() {}

    /** The mean of the differences that count; of a single one, times the factor of its model. */
    private static double reinforced(double[] x, double unchanged, double[] factors) {
        double sum = 0;
        int changed = 0;
        int last = 0;
        for (int i = 1; i < x.length; i++) {
            if (Math.abs(x[i] - x[0]) > unchanged) {
                sum += x[i] - x[0];
                changed++;
                last = i;
            }
        }
        return x[0] + (changed == 1 ? factors[last] * sum : sum / Math.max(1, changed));
    }

    /** By model, from 1 on: the more of its differences are shared with others, the more those count that are not. */
    private static double[] factors(Operands in, double unchanged, double reinforcement, double most) {
        double[] shared = new double[in.count()];
        double[] own = new double[in.count()];
        in.sweep((x, _) -> {
            int changed = 0;
            for (int i = 1; i < x.length; i++) {
                changed += Math.abs(x[i] - x[0]) > unchanged ? 1 : 0;
            }
            double[] counts = changed == 1 ? own : shared;
            for (int i = 1; i < x.length; i++) {
                counts[i] += Math.abs(x[i] - x[0]) > unchanged ? 1 : 0;
            }
        });
        double[] factors = new double[in.count()];
        for (int i = 1; i < factors.length; i++) {
            factors[i] = 1 + reinforcement * Math.clamp(shared[i] / Math.max(own[i], unchanged), 0, most);
        }
        return factors;
    }

    /** SCE's choice of elements ({@code smallest} in variance and up; none if null-sized) and its weights of the models. */
    private static final class Sce {
        private final List<OrderStatistic> smallest;
        private final boolean none;
        private final double[] weights;

        Sce(List<OrderStatistic> smallest, boolean none, double[] weights) {
            this.smallest = smallest;
            this.none = none;
            this.weights = weights;
        }

        static Sce of(Operands in, double share) {
            Sce selection = share >= 1 ? new Sce(List.of(), false, new double[0]) : selection(in, share);
            int models = in.count() - 1;
            double[] weights = new double[models];
            in.sweep((x, index) -> {
                if (selection.keeps(x, index)) {
                    for (int i = 0; i < models; i++) {
                        weights[i] += (x[i + 1] - x[0]) * (x[i + 1] - x[0]) / in.elements();
                    }
                }
            });
            double sum = Arrays.stream(weights).sum();
            for (int i = 0; i < models; i++) {
                weights[i] = sum < 1e-6 ? 1.0 / models : weights[i] / sum;
            }
            return new Sce(selection.smallest, selection.none, weights);
        }

        private static Sce selection(Operands in, double share) {
            long[] varying = {0};
            in.sweep((x, _) -> varying[0] += variance(x) > 0 ? 1 : 0);
            long kept = (long) (varying[0] * share);
            return kept == 0
                    ? new Sce(List.of(), true, new double[0])
                    : new Sce(
                            List.of(OrderStatistic.of(in, in.elements() - kept, (x, _) -> variance(x))),
                            false,
                            new double[0]);
        }

        private boolean keeps(double[] x, long index) {
            return !none && (smallest.isEmpty() || smallest.getFirst().atMost(variance(x), index));
        }

        double element(double[] x, long index) {
            if (!keeps(x, index)) {
                return x[0];
            }
            double vote = 0;
            for (int i = 1; i < x.length; i++) {
                vote += x[i] - x[0];
            }
            double sign = vote >= 0 ? 1 : -1;
            double sum = 0;
            double divisor = 0;
            for (int i = 1; i < x.length; i++) {
                if (Math.signum(x[i] - x[0]) == sign) {
                    sum += weights[i - 1] * (x[i] - x[0]);
                    divisor += weights[i - 1];
                }
            }
            return x[0] + sum / Math.max(divisor, 1e-6);
        }

        private static double variance(double[] x) {
            double mean = 0;
            for (int i = 1; i < x.length; i++) {
                mean += x[i] / (x.length - 1);
            }
            double sum = 0;
            for (int i = 1; i < x.length; i++) {
                sum += (x[i] - mean) * (x[i] - mean);
            }
            return sum / (x.length - 1);
        }
    }

    /** arcee-fusion's measure: one divergence per row along the last axis, and the threshold over all elements. */
    private static final class Importance {
        private final double[] divergences;
        private final long row;
        private final double threshold;

        Importance(double[] divergences, long row, double threshold) {
            this.divergences = divergences;
            this.row = row;
            this.threshold = threshold;
        }

        static Importance of(Operands in) {
            long row = Math.max(1, in.lastAxis());
            Importance measure = new Importance(divergences(in, row), row, 0);
            double lower = measure.quantile(in, 0.25);
            double median = measure.quantile(in, 0.5);
            double upper = measure.quantile(in, 0.75);
            return new Importance(measure.divergences, row, median + 1.5 * (upper - lower));
        }

        double of(double[] x, long index) {
            return Math.abs(x[1] - x[0]) * divergences[(int) (index / row)];
        }

        private double quantile(Operands in, double share) {
            // A divergence may fall short of 0 by rounding: magnitudes are compared.
            return OrderStatistic.of(in, (long) (share * (in.elements() - 1)), (x, index) -> Math.abs(of(x, index)))
                    .value();
        }

        /** KL(softmax B, softmax base) of each row, both raised by 1e-8. */
        private static double[] divergences(Operands in, long row) {
            int rows = Math.toIntExact(in.elements() / row);
            int length = Math.toIntExact(row);
            Room.make(8L * rows);
            double[] divergences = new double[rows];
            double[] base = new double[length];
            double[] b = new double[length];
            in.sweep((x, index) -> {
                int at = (int) (index % row);
                base[at] = x[0];
                b[at] = x[1];
                if (at == length - 1) {
                    softmax(base);
                    softmax(b);
                    divergences[(int) (index / row)] = divergence(b, base);
                }
            });
            return divergences;
        }

        private static void softmax(double[] x) {
            double largest = Double.NEGATIVE_INFINITY;
            for (double number : x) {
                largest = Math.max(largest, number);
            }
            double sum = 0;
            for (int i = 0; i < x.length; i++) {
                x[i] = Math.exp(x[i] - largest);
                sum += x[i];
            }
            for (int i = 0; i < x.length; i++) {
                x[i] /= sum;
            }
        }

        private static double divergence(double[] b, double[] base) {
            double sum = 0;
            for (int i = 0; i < b.length; i++) {
                double p = b[i] + 1e-8;
                double q = base[i] + 1e-8;
                sum += p * Math.log(p / q);
            }
            return sum;
        }
    }
}
