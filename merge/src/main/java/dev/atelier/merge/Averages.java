package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.lerp;

import java.util.Arrays;
import java.util.List;

/** Means of models, weighted or not. */
final class Averages {
    static final Parameter<Double> ALPHA = Parameter.number("alpha", 0.5, "the share of B");
    private static final Parameter<Double> M = Parameter.number("alpha", 0.3, "the share of B");
    private static final Parameter<Double> SHARE = Parameter.between("alpha", 0.5, 0, 1, "the share of B");
    private static final Parameter<Double> BETA = Parameter.number("beta", 0.5, "the share of C");
    private static final Parameter<Double> FACTOR = Parameter.number("alpha", 1, "the factor");
    private static final Parameter<List<Double>> WEIGHTS = Parameter.perModel("weights", 1, "the models' weights");
    private static final Parameter<Boolean> NORMALIZE =
            Parameter.flag("normalize", true, "divide by the sum of the weights");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("weighted-sum")
                    .formula("(1 - alpha)*A + alpha*B")
                    .inputs("A", "B")
                    .multiplier(M)
                    .source("AUTOMATIC1111 Weighted sum; SuperMerger; sd-mecha weighted_sum")
                    .pairs(p -> {
                        double alpha = p.of(M);
                        return (a, b) -> lerp(a, b, alpha);
                    }),
            MergeMethod.named("smoothstep-sum")
                    .formula("A + s*(B - A), s = alpha^2*(3 - 2*alpha)")
                    .inputs("A", "B")
                    .multiplier(SHARE)
                    .source("diffusers checkpoint merger \"sigmoid\"; AUTOMATIC1111 of 2022")
                    .pairs(p -> {
                        double alpha = p.of(SHARE);
                        double s = alpha * alpha * (3 - 2 * alpha);
                        return (a, b) -> a + (b - a) * s;
                    }),
            MergeMethod.named("inverse-smoothstep-sum")
                    .formula("A + s*(B - A), s = 1/2 - sin(asin(1 - 2*alpha)/3)")
                    .inputs("A", "B")
                    .multiplier(SHARE)
                    .source("diffusers checkpoint merger \"inv_sigmoid\"; AUTOMATIC1111 of 2022")
                    .pairs(p -> {
                        double s = 0.5 - Math.sin(Math.asin(1 - 2 * p.of(SHARE)) / 3);
                        return (a, b) -> a + (b - a) * s;
                    }),
            MergeMethod.named("linear")
                    .formula("sum of weight*model, divided by the sum of the weights")
                    .inputsFrom(1, "A", "…")
                    .parameters(WEIGHTS, NORMALIZE)
                    .source("mergekit linear; Model soups, arXiv 2203.05482")
                    .tensors((in, p) -> {
                        double[] weights = p.perModel(WEIGHTS, in.count());
                        double sum = p.of(NORMALIZE) ? Arrays.stream(weights).sum() : 1;
                        if (sum == 0) {
                            throw new IllegalArgumentException("linear: the weights must not sum to 0");
                        }
                        return new LinearCombination(in, weights, sum);
                    }),
            MergeMethod.named("average")
                    .formula("the mean of all models")
                    .inputsFrom(1, "A", "…")
                    .source("sd-mecha n_average")
                    .tensors((in, _) -> in.each(x -> {
                        double mean = x[0];
                        for (int i = 1; i < x.length; i++) {
                            mean = lerp(mean, x[i], 1.0 / (i + 1));
                        }
                        return mean;
                    })),
            MergeMethod.named("sum-twice")
                    .formula("(1 - beta)*((1 - alpha)*A + alpha*B) + beta*C")
                    .inputs("A", "B", "C")
                    .multiplier(ALPHA)
                    .parameters(BETA)
                    .source("SuperMerger Twice; meh sum_twice")
                    .triples(p -> {
                        double alpha = p.of(ALPHA);
                        double beta = p.of(BETA);
                        return (a, b, c) -> lerp(lerp(a, b, alpha), c, beta);
                    }),
            MergeMethod.named("triple-sum")
                    .formula("(1 - alpha - beta)*A + alpha*B + beta*C")
                    .inputs("A", "B", "C")
                    .multiplier(ALPHA)
                    .parameters(BETA)
                    .source("SuperMerger Triple; meh triple_sum")
                    .triples(p -> {
                        double alpha = p.of(ALPHA);
                        double beta = p.of(BETA);
                        return (a, b, c) -> alpha + beta == 0
                                ? a + alpha * b + beta * c
                                : lerp(a, lerp(b, c, beta / (alpha + beta)), alpha + beta);
                    }),
            MergeMethod.named("max")
                    .formula("the larger of A and B, element by element")
                    .inputs("A", "B")
                    .source("Chattiori Model Merger weight_max")
                    .pairs(_ -> Math::max),
            MergeMethod.named("sigmoid-sum")
                    .formula("s(4*alpha)*(A + B) - s(alpha)*A, s(x) = 1/(1 + exp(-x)); alpha 0 gives B/2, not A")
                    .inputs("A", "B")
                    .multiplier(ALPHA)
                    .source("Chattiori Model Merger sigmoid")
                    .pairs(p -> {
                        double outer = logistic(4 * p.of(ALPHA));
                        double inner = logistic(p.of(ALPHA));
                        return (a, b) -> outer * (a + b) - inner * a;
                    }),
            MergeMethod.named("scale")
                    .formula("alpha*A")
                    .inputs("A")
                    .multiplier(FACTOR)
                    .source("sd-mecha multiply by a number")
                    .tensors((in, p) -> {
                        double alpha = p.of(FACTOR);
                        return in.each(x -> alpha * x[0]);
                    }),
            MergeMethod.named("self")
                    .formula("alpha*A, leaving out normalisations and output projections")
                    .inputs("A")
                    .multiplier(FACTOR)
                    .source("SuperMerger self")
                    .tensors((in, p) -> {
                        double alpha = p.of(FACTOR);
                        return isLeftByItself(in) || alpha == 0 ? in.first() : in.each(x -> alpha * x[0]);
                    }));

    private Averages() {}

    /** What SuperMerger's methods of a single model leave alone. */
    static boolean isLeftByItself(Operands in) {
        return in.key().contains("to_out")
                || in.key().contains("proj_out")
                || in.key().contains("norm");
    }

    private static double logistic(double x) {
        return 1 / (1 + Math.exp(-x));
    }
}
