package dev.atelier.merge;

import static dev.atelier.merge.Combiner.CONSENSUS;
import static dev.atelier.merge.Combiner.LAMBDA;
import static dev.atelier.merge.Combiner.NORMALIZE;
import static dev.atelier.merge.Combiner.WEIGHTS;

import dev.atelier.merge.Combiner.Factor;
import dev.atelier.merge.RandomStream.Mask;
import java.util.List;

/** What fine-tunes learnt on top of one base, thinned out in several ways and added to the base. */
final class TaskVectors {
    /** What makes up for the elements that were dropped. */
    enum Rescale {
        NONE,
        /** Division by the share that is kept. */
        DENSITY,
        /** Whatever restores the sum of magnitudes. */
        L1,
        /** Division of each element by the probability with which it was kept. */
        OWN
    }

    private static final Parameter<Double> DENSITY =
            Parameter.between("density", 0.1, 0, 1, "the share of differences that is kept");
    private static final Parameter<Double> BROAD_DENSITY =
            Parameter.between("density", 0.9, 0, 1, "the share of differences that is kept");
    private static final Parameter<Double> GAMMA =
            Parameter.between("gamma", 0.01, 0, 1, "the share of the largest differences that is dropped");
    private static final Parameter<Double> DROPPED =
            Parameter.between("probability", 0.9, 0, 1, "with which a difference is dropped");
    private static final Parameter<Double> POWER =
            Parameter.number("rescale", 1, "the power of 1/(1 - probability) that the result is multiplied by");
    private static final Parameter<Rescale> RESCALE =
            Parameter.choice("rescale", Rescale.DENSITY, "what makes up for dropped elements; mergekit: l1");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("task-arithmetic")
                    .formula("base + lambda * sum of weight*(model - base)")
                    .inputsFrom(2, "base", "models…")
                    .multiplier(LAMBDA)
                    .parameters(WEIGHTS, NORMALIZE)
                    .source("Editing models with task arithmetic, arXiv 2212.04089; mergekit task_arithmetic")
                    .tensors((in, p) -> {
                        Combiner combiner = Combiner.adding(in, p);
                        return in.indexed((x, index) -> combiner.of(x, index, Factor.ALL));
                    }),
            MergeMethod.named("dare")
                    .formula("task-arithmetic with differences dropped at random and the others scaled up")
                    .inputsFrom(2, "base", "models…")
                    .multiplier(LAMBDA)
                    .parameters(DENSITY, RESCALE, WEIGHTS, CONSENSUS, NORMALIZE, RandomStream.SEED, RandomStream.RANDOM)
                    .source("DARE, arXiv 2311.03099; mergekit dare_linear, dare_ties; sd-mecha ties_with_dare; MergeLM")
                    .tensors((in, p) -> {
                        Combiner combiner = Combiner.of(in, p, p.of(CONSENSUS), 1, p.of(NORMALIZE));
                        return in.after(() -> dare(in, p), factor -> (x, index) -> combiner.of(x, index, factor));
                    }),
            MergeMethod.named("breadcrumbs")
                    .formula("task-arithmetic without the largest and the smallest differences")
                    .inputsFrom(2, "base", "models…")
                    .multiplier(LAMBDA)
                    .parameters(BROAD_DENSITY, GAMMA, WEIGHTS, CONSENSUS, NORMALIZE)
                    .source("Model Breadcrumbs, arXiv 2312.06795; mergekit breadcrumbs, breadcrumbs_ties")
                    .tensors((in, p) -> {
                        Combiner combiner = Combiner.of(in, p, p.of(CONSENSUS), 1, p.of(NORMALIZE));
                        return in.after(
                                () -> breadcrumbs(in, p.of(BROAD_DENSITY), p.of(GAMMA)),
                                factor -> (x, index) -> combiner.of(x, index, factor));
                    }),
            MergeMethod.named("dropout")
                    .formula("base + (sum of kept differences / number of models kept) / (1 - probability)^rescale")
                    .inputsFrom(2, "base", "models…")
                    .multiplier(DROPPED)
                    .parameters(POWER, RandomStream.SEED, RandomStream.RANDOM)
                    .source("sd-mecha dropout (n-supermario)")
                    .tensors((in, p) -> {
                        double kept = 1 - p.of(DROPPED);
                        double scale = kept == 0 ? 1 : Math.pow(kept, -p.of(POWER));
                        return in.after(
                                () -> mask(in, p, kept),
                                mask -> (x, index) -> x[0] + scale * meanOfKept(x, index, mask));
                    }));

    private TaskVectors() {}

    private static Mask mask(Operands in, Settings p, double kept) {
        return p.of(RandomStream.RANDOM).mask(p.of(RandomStream.SEED), in, in.count() - 1, (_, _) -> kept);
    }

    private static Factor dare(Operands in, Settings p) {
        double density = p.of(DENSITY);
        Mask mask = mask(in, p, density);
        return switch (p.of(RESCALE)) {
            case NONE -> (model, index, _) -> mask.keeps(model, index) ? 1 : 0;
            case DENSITY, OWN -> (model, index, _) -> mask.keeps(model, index) ? 1 / density : 0;
            case L1 -> restoringMagnitudes(in, (model, index, _) -> mask.keeps(model, index) ? 1 : 0);
        };
    }

    /** Scales each model's kept differences so that their magnitudes sum to what all of its magnitudes did. */
    static Factor restoringMagnitudes(Operands in, Factor factor) {
        int models = in.count() - 1;
        double[] all = new double[models];
        double[] kept = new double[models];
        in.sweep((x, index) -> {
            for (int i = 0; i < models; i++) {
                double delta = x[i + 1] - x[0];
                all[i] += Math.abs(delta);
                kept[i] += Math.abs(delta * factor.of(i, index, delta));
            }
        });
        double[] scale = new double[models];
        for (int i = 0; i < models; i++) {
            scale[i] = all[i] < 1e-7 || kept[i] < 1e-7 ? 1 : all[i] / kept[i];
        }
        return (model, index, delta) -> factor.of(model, index, delta) * scale[model];
    }

    /** Where the share of large ones leaves too few, fewer small ones are dropped, then fewer large ones. */
    private static Factor breadcrumbs(Operands in, double density, double gamma) {
        long n = in.elements();
        long largest = (long) (gamma * n);
        long smallest = n - (long) (density * n) - largest;
        long top = smallest < 0 ? largest + smallest : largest;
        long bottom = Math.max(0, smallest);
        int models = in.count() - 1;
        OrderStatistic[] from = new OrderStatistic[models];
        OrderStatistic[] to = new OrderStatistic[models];
        for (int i = 0; i < models; i++) {
            int operand = i + 1;
            Operands.Indexed magnitude = (x, _) -> Math.abs(x[operand] - x[0]);
            from[i] = OrderStatistic.of(in, Math.min(bottom, n - 1), magnitude);
            to[i] = OrderStatistic.of(in, Math.max(0, n - top - 1), magnitude);
        }
        boolean none = bottom >= n - top;
        return (model, index, delta) -> {
            double size = Math.abs(delta);
            boolean tooLarge =
                    to[model].atMost(size, index) && !(size == to[model].value() && index == to[model].index());
            return none || tooLarge || !from[model].atMost(size, index) ? 0 : 1;
        };
    }

    private static double meanOfKept(double[] x, long index, Mask mask) {
        double sum = 0;
        int kept = 0;
        for (int i = 1; i < x.length; i++) {
            if (mask.keeps(i - 1, index)) {
                sum += x[i] - x[0];
                kept++;
            }
        }
        return sum / Math.max(1, kept);
    }
}
