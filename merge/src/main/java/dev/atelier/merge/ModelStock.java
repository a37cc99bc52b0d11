package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.clamp;

import java.util.List;

/** Model Stock: how far to go from the base to the mean of fine-tunes, judged by the angle between these. */
final class ModelStock {
    private enum Pairs {
        ALL,
        CONSECUTIVE
    }

    private static final Parameter<Boolean> ROWS =
            Parameter.flag("rows", false, "a factor for each row along the last axis instead of one for the tensor");
    private static final Parameter<Pairs> PAIRS =
            Parameter.choice("pairs", Pairs.ALL, "whose cosines are averaged; sd-mecha: consecutive, with rows");
    private static final Parameter<Boolean> CLIP =
            Parameter.flag("clip", true, "keep t between 0 and 1; false lets opposite models push away");

    static final List<MergeMethod> METHODS = List.of(MergeMethod.named("model-stock")
            .formula("t*mean of models + (1 - t)*base, t = n*c/(1 + (n - 1)*c), c the mean cosine between differences")
            .inputsFrom(3, "base", "models…")
            .parameters(ROWS, PAIRS, CLIP)
            .source("Model Stock, arXiv 2403.19522; mergekit model_stock; sd-mecha model_stock")
            .tensors((in, p) -> {
                long row = Math.max(1, p.of(ROWS) ? in.lastAxis() : in.elements());
                boolean clipped = p.of(CLIP);
                return in.after(
                        () -> factors(in, ModelStock::subtractBase, row, p.of(PAIRS)), factors -> (x, index) -> {
                            double t = factors[(int) (index / row)];
                            return x[0] + (clipped ? clamp(t, 0, 1) : t) * meanDifference(x);
                        });
            }));

    private ModelStock() {}

    /**
     * sd-mecha's factors, a row of {@code row} elements at a time.
     *
     * @param differences puts the differences to be compared in the place of the models' values
     */
    static double[] factors(Operands in, Operands.Visitor differences, long row) {
        return factors(in, differences, row, Pairs.CONSECUTIVE);
    }

    private static double[] factors(Operands in, Operands.Visitor differences, long row, Pairs pairs) {
        int n = in.count() - 1;
        int rows = Math.toIntExact(in.elements() / row);
        double[][] norms = new double[n][rows];
        double[][][] dots = new double[n][n][];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                dots[i][j] = new double[pairs == Pairs.ALL || j == i - 1 ? rows : 0];
            }
        }
        in.sweep((x, index) -> {
            int at = (int) (index / row);
            differences.at(x, index);
            for (int i = 0; i < n; i++) {
                norms[i][at] += x[i + 1] * x[i + 1];
                for (int j = 0; j < i; j++) {
                    if (dots[i][j].length > 0) {
                        dots[i][j][at] += x[i + 1] * x[j + 1];
                    }
                }
            }
        });
        double[] factors = new double[rows];
        for (int at = 0; at < rows; at++) {
            double sum = 0;
            int count = 0;
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < i; j++) {
                    if (dots[i][j].length > 0) {
                        double product = Math.sqrt(norms[i][at]) * Math.sqrt(norms[j][at]);
                        sum += clamp(dots[i][j][at] / Math.max(product, 1e-6), -1, 1);
                        count++;
                    }
                }
            }
            double cosine = sum / Math.max(1, count);
            factors[at] = Interpolation.ratio(n * cosine, 1 + (n - 1) * cosine);
        }
        return factors;
    }

    private static void subtractBase(double[] x, long index) {
        for (int i = 1; i < x.length; i++) {
            x[i] -= x[0];
        }
    }

    private static double meanDifference(double[] x) {
        double sum = 0;
        for (int i = 1; i < x.length; i++) {
            sum += x[i] - x[0];
        }
        return sum / (x.length - 1);
    }
}
