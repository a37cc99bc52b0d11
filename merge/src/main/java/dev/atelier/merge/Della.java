package dev.atelier.merge;

import static dev.atelier.merge.Combiner.LAMBDA;
import static dev.atelier.merge.Combiner.WEIGHTS;

import dev.atelier.checkpoint.Shape;
import dev.atelier.merge.Combiner.Consensus;
import dev.atelier.merge.Combiner.Factor;
import dev.atelier.merge.RandomStream.Chance;
import dev.atelier.merge.RandomStream.Mask;
import dev.atelier.merge.TaskVectors.Rescale;
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

    /** Memory: for ranks in the whole tensor 4 bytes per element and model, for ranks in a row little. */
    private static Factor factor(Operands in, Settings p) {
        double density = p.of(DENSITY);
        double epsilon = p.of(EPSILON);
        Chance keep = p.of(RANKS) == Ranks.ROW
                ? rowProbabilities(in, density, epsilon)
                : tensorProbabilities(in, density, epsilon);
        Mask mask = p.of(RandomStream.RANDOM).mask(p.of(RandomStream.SEED), in, in.count() - 1, keep);
        return switch (p.of(RESCALE)) {
            case NONE -> (model, index, _) -> mask.keeps(model, index) ? 1 : 0;
            case DENSITY -> (model, index, _) -> mask.keeps(model, index) ? 1 / density : 0;
            case OWN -> (model, index, _) -> mask.keeps(model, index) ? 1 / keep.of(model, index) : 0;
            case L1 -> TaskVectors.restoringMagnitudes(in, (model, index, _) -> mask.keeps(model, index) ? 1 : 0);
        };
    }

    /** Linear in the rank along axis 1, each tap of a convolution for itself; a vector is one row. */
    static Chance rowProbabilities(Operands in, double density, double epsilon) {
        Shape shape = in.shape();
        int columns = shape.rank() == 0 ? 1 : (int) shape.size(shape.rank() == 1 ? 0 : 1);
        int taps = 1;
        for (int axis = 2; axis < shape.rank(); axis++) {
            taps *= (int) shape.size(axis);
        }
        int length = columns * taps;
        int neighbours = taps;
        ThreadLocal<RankedRow[]> last = ThreadLocal.withInitial(() -> new RankedRow[in.count() - 1]);
        return (model, index) -> {
            RankedRow[] rows = last.get();
            long first = index / length * length;
            if (rows[model] == null || rows[model].first != first) {
                rows[model] = RankedRow.of(in, model + 1, first, columns, neighbours);
            }
            double step = columns == 1 ? 0.5 : (double) rows[model].ranks[(int) (index - first)] / (columns - 1);
            return density - epsilon + step * 2 * epsilon;
        };
    }

    /** The ranks of one model's differences in the elements from {@code first} on that share an index along axis 0. */
    private static final class RankedRow {
        private final long first;
        private final int[] ranks;

        RankedRow(long first, int[] ranks) {
            this.first = first;
            this.ranks = ranks;
        }

        static RankedRow of(Operands in, int operand, long first, int columns, int taps) {
            double[] sizes = new double[columns * taps];
            in.sweep(first, sizes.length, (x, index) -> sizes[(int) (index - first)] = Math.abs(x[operand] - x[0]));
            int[] ranks = new int[sizes.length];
            double[] line = new double[columns];
            for (int tap = 0; tap < taps; tap++) {
                for (int column = 0; column < columns; column++) {
                    line[column] = sizes[column * taps + tap];
                }
                int[] order = Order.ascending(line);
                for (int rank = 0; rank < columns; rank++) {
                    ranks[order[rank] * taps + tap] = rank;
                }
            }
            return new RankedRow(first, ranks);
        }
    }

    static Chance tensorProbabilities(Operands in, double density, double epsilon) {
        double n = in.elements();
        int[][] ranks = new int[in.count() - 1][];
        for (int i = 0; i < ranks.length; i++) {
            int operand = i + 1;
            ranks[i] = Order.ranks(in, (x, _) -> Math.abs(x[operand] - x[0]));
        }
        return (model, index) -> {
            double rank = ranks[model][(int) index] + 1;
            return Interpolation.clamp(density + epsilon * (rank / n - (n + 1) / (2 * n)), 0, 1);
        };
    }
}
