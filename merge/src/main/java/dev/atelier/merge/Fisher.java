package dev.atelier.merge;

import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** Fisher-weighted averaging: models weighted, element by element, by how sure their training was of the element. */
final class Fisher {
    private static final Parameter<List<Double>> WEIGHTS =
            Parameter.perModel("weights", 1, "the weights of the models");
    private static final Parameter<Double> FLOOR =
            Parameter.between("floor", 1e-6, 0, 1, "the smallest information that counts");
    private static final Parameter<Boolean> NORMALIZE =
            Parameter.flag("normalize", false, "divide each model's information by its norm over all tensors");
    private static final Parameter<Boolean> FAVOR_FIRST =
            Parameter.flag("favor-first", false, "apply the floor to the first model only");

    static final List<MergeMethod> METHODS = List.of(MergeMethod.named("fisher")
            .formula("sum of weight*F*model / sum of weight*F, F the diagonal of a model's Fisher information")
            .inputsFrom(4, "A", "…", "F of A", "…")
            .parameters(WEIGHTS, FLOOR, NORMALIZE, FAVOR_FIRST)
            .source("Merging Models with Fisher-Weighted Averaging, arXiv 2111.09832; mmatena/model_merging")
            .models(all -> {
                Supplier<double[]> norms = new Once<>(() -> norms(all));
                return (in, p) -> {
                    if (in.count() % 2 != 0) {
                        throw new IllegalArgumentException(
                                "fisher takes as many Fisher informations as models, the models first");
                    }
                    int n = in.count() / 2;
                    double[] weights = p.perModel(WEIGHTS, n);
                    double floor = p.of(FLOOR);
                    boolean favorFirst = p.of(FAVOR_FIRST);
                    boolean normalize = p.of(NORMALIZE);
                    return in.after(() -> normalize ? norms.get() : ones(in.count()), scale -> (x, _) -> {
                        double sum = 0;
                        double divisor = 0;
                        for (int i = 0; i < n; i++) {
                            double information = favorFirst && i > 0 ? x[n + i] : Math.max(x[n + i], floor);
                            double weight = weights[i] / scale[n + i] * information;
                            sum += weight * x[i];
                            divisor += weight;
                        }
                        return sum / divisor;
                    });
                };
            }));

    private Fisher() {}

    private static double[] norms(List<Operands> all) {
        double[] norms = new double[all.getFirst().count()];
        for (Operands in : all) {
            in.sweep((x, _) -> {
                for (int i = 0; i < x.length; i++) {
                    norms[i] += x[i] * x[i];
                }
            });
        }
        for (int i = 0; i < norms.length; i++) {
            norms[i] = Math.sqrt(norms[i]);
        }
        return norms;
    }

    private static double[] ones(int count) {
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        return ones;
    }
}
