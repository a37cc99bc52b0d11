package dev.atelier.merge;

import static dev.atelier.merge.Combiner.LAMBDA;
import static dev.atelier.merge.Combiner.WEIGHTS;

import dev.atelier.checkpoint.Shape;
import dev.atelier.merge.Combiner.Consensus;
import dev.atelier.merge.Combiner.Factor;
import dev.atelier.merge.RandomStream.Mask;
import dev.atelier.merge.TaskVectors.Rescale;
import java.util.Arrays;
import java.util.List;

/** DELLA: as DARE, but a larger difference is kept with a higher probability. */
final class Della {
    /** Among which elements a difference has its rank. */
    private enum Ranks {
        ROW,
        TENSOR
    }

    private static final Parameter<Double> DENSITY =
            Parameter.between("density", 0.6, 0, 1, "the share of differences that is kept");
    private static final Parameter<Double> EPSILON = Parameter.between(
            "epsilon",
            0.15,
            0,
            1,
            "row ranks: the distance of the extreme probabilities from the density; tensor: their"
                    + " distance from one another");
    private static final Parameter<Ranks> RANKS =
            Parameter.choice("ranks", Ranks.ROW, "ranks in each row (paper, mergekit) or the whole tensor (sd-mecha)");
    private static final Parameter<Rescale> RESCALE = Parameter.choice(
            "rescale", Rescale.OWN, "what makes up for dropped elements; mergekit: l1, mecha: density");
    private static final Parameter<Consensus> CONSENSUS =
            Parameter.choice("consensus", Consensus.SUM, "keep only differences of the elected sign");
    private static final Parameter<Boolean> NORMALIZE =
            Parameter.flag("normalize", true, "divide by the sum of the weights that took part");

    static final List<MergeMethod> METHODS = List.of(MergeMethod.named("della")
            .formula("ties with differences dropped at random, small ones more often than large ones")
            .inputsFrom(2, "base", "models…")
            .multiplier(LAMBDA)
            .parameters(DENSITY, EPSILON, RANKS, RESCALE, WEIGHTS, CONSENSUS, NORMALIZE)
            .parameters(RandomStream.SEED, RandomStream.RANDOM)
            .source("DELLA-Merging, arXiv 2406.11617; mergekit della, della_linear; sd-mecha della_eps")
            .tensors((in, p) -> {
                Combiner combiner = Combiner.of(in, p, p.of(CONSENSUS), 1, p.of(NORMALIZE));
                double density = p.of(DENSITY);
                double epsilon = p.of(EPSILON);
                if (p.of(RANKS) == Ranks.ROW && (density - epsilon <= 0 || density + epsilon >= 1)) {
                    throw new IllegalArgumentException("della: density - epsilon must be above 0 and density + epsilon"
                            + " below 1, not %s and %s".formatted(density - epsilon, density + epsilon));
                }
                return in.after(() -> factor(in, p), factor -> (x, index) -> combiner.of(x, index, factor));
            }));

    private Della() {}

    /** Memory: 8 bytes per element and model while it is drawn, and then a bit or the same. */
    private static Factor factor(Operands in, Settings p) {
        double density = p.of(DENSITY);
        double epsilon = p.of(EPSILON);
        double[][] keep = new double[in.count() - 1][];
        for (int i = 0; i < keep.length; i++) {
            double[] delta = in.load(i + 1);
            double[] base = in.load(0);
            for (int at = 0; at < delta.length; at++) {
                delta[at] -= base[at];
            }
            keep[i] = p.of(RANKS) == Ranks.ROW
                    ? rowProbabilities(delta, in.shape(), density, epsilon)
                    : tensorProbabilities(delta, density, epsilon);
        }
        Mask mask = p.of(RandomStream.RANDOM)
                .mask(p.of(RandomStream.SEED), in, keep.length, (model, index) -> keep[model][(int) index]);
        return switch (p.of(RESCALE)) {
            case NONE -> (model, index, _) -> mask.keeps(model, index) ? 1 : 0;
            case DENSITY -> (model, index, _) -> mask.keeps(model, index) ? 1 / density : 0;
            case OWN -> (model, index, _) -> mask.keeps(model, index) ? 1 / keep[model][(int) index] : 0;
            case L1 -> TaskVectors.restoringMagnitudes(in, (model, index, _) -> mask.keeps(model, index) ? 1 : 0);
        };
    }

    /** Linear in the rank along axis 1, each tap of a convolution for itself; a vector is one row. */
    static double[] rowProbabilities(double[] delta, Shape shape, double density, double epsilon) {
        int columns = shape.rank() == 0 ? 1 : (int) shape.size(shape.rank() == 1 ? 0 : 1);
        int taps = 1;
        for (int axis = 2; axis < shape.rank(); axis++) {
            taps *= (int) shape.size(axis);
        }
        double[] probabilities = new double[delta.length];
        double[] sizes = new double[columns];
        for (int row = 0; row < delta.length; row += columns * taps) {
            for (int tap = 0; tap < taps; tap++) {
                for (int column = 0; column < columns; column++) {
                    sizes[column] = Math.abs(delta[row + column * taps + tap]);
                }
                int[] order = Order.ascending(sizes);
                for (int rank = 0; rank < columns; rank++) {
                    double step = columns == 1 ? 0.5 : (double) rank / (columns - 1);
                    probabilities[row + order[rank] * taps + tap] = density - epsilon + step * 2 * epsilon;
                }
            }
        }
        return probabilities;
    }

    static double[] tensorProbabilities(double[] delta, double density, double epsilon) {
        int[] order = Order.ascending(Arrays.stream(delta).map(Math::abs).toArray());
        double n = delta.length;
        double[] probabilities = new double[delta.length];
        for (int i = 0; i < order.length; i++) {
            double rank = i + 1;
            probabilities[order[i]] = Interpolation.clamp(density + epsilon * (rank / n - (n + 1) / (2 * n)), 0, 1);
        }
        return probabilities;
    }
}
