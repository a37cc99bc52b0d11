package dev.atelier.merge;

import static dev.atelier.merge.Averages.ALPHA;
import static dev.atelier.merge.Interpolation.clamp;
import static dev.atelier.merge.Interpolation.lerp;
import static dev.atelier.merge.Interpolation.ratio;

import java.util.List;

/** What one model learnt on top of another, added to a third or taken away, element by element. */
final class Differences {
    private static final Parameter<Double> STRENGTH = Parameter.number("alpha", 1, "how much of B - C is added");
    private static final Parameter<Double> M = Parameter.number("alpha", 0.3, "how much of B - C is added");
    private static final Parameter<Double> FACTOR = Parameter.number("alpha", 1, "the factor");
    private static final Parameter<Double> SHARE = Parameter.between("alpha", 0.5, 0, 1, "the share of B");
    private static final Parameter<Double> BETA = Parameter.number("beta", 0.5, "a second multiplier");
    private static final Parameter<Double> LIMIT =
            Parameter.between("t", 0.01, 0, Double.POSITIVE_INFINITY, "the distance up to which B replaces A");
    private static final Parameter<Double> STIFFNESS =
            Parameter.between("stiffness", 0, 0, 1, "0 clamps to the outermost bounds, 1 to those next to their mean");
    private static final Parameter<Boolean> CLAMP = Parameter.flag("clamp", false, "keep the result between A and B");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("add-difference")
                    .formula("A + alpha*(B - C)")
                    .inputs("A", "B", "C")
                    .multiplier(M)
                    .parameters(CLAMP)
                    .source("AUTOMATIC1111 Add difference; sd-mecha add_difference; meh weights_clip")
                    .triples(p -> {
                        double alpha = p.of(M);
                        boolean clamped = p.of(CLAMP);
                        return (a, b, c) -> {
                            double sum = a + alpha * (b - c);
                            return clamped ? clamp(sum, Math.min(a, b), Math.max(a, b)) : sum;
                        };
                    }),
            MergeMethod.named("subtract")
                    .formula("alpha*(A - B); a difference, not a model")
                    .inputs("A", "B")
                    .multiplier(FACTOR)
                    .source("ComfyUI ModelSubtract; sd-mecha subtract")
                    .pairs(p -> {
                        double alpha = p.of(FACTOR);
                        return (a, b) -> alpha * (a - b);
                    }),
            MergeMethod.named("weighted-subtraction")
                    .formula("(A - alpha*beta*B) / (1 - alpha*beta): the other parent of a weighted sum A")
                    .inputs("A", "B")
                    .multiplier(ALPHA)
                    .parameters(BETA)
                    .source("meh weighted_subtraction")
                    .pairs(p -> {
                        double alpha = p.of(ALPHA);
                        double beta = alpha == 1 && p.of(BETA) == 1 ? 1 - 1e-10 : p.of(BETA);
                        double share = alpha * beta;
                        if (share == 1) {
                            throw new IllegalArgumentException("weighted-subtraction: alpha*beta must not be 1");
                        }
                        return (a, b) -> (a - share * b) / (1 - share);
                    }),
            MergeMethod.named("train-difference")
                    .formula("A + 1.8*alpha*(B - C)*|B - A| / (|B - A| + |B - C|)")
                    .inputs("A", "B", "C")
                    .multiplier(STRENGTH)
                    .source("SuperMerger trainDifference; sd-mecha train_difference_mask")
                    .triples(p -> {
                        double alpha = p.of(STRENGTH);
                        return (a, b, c) -> a + alpha * trainMask(a, b, c) * (b - c);
                    }),
            MergeMethod.named("add-opposite")
                    .formula("A + 2*alpha*(B - C)*|A - B| / (|A - B| + |A + B - 2*C|)")
                    .inputs("A", "B", "C")
                    .multiplier(STRENGTH)
                    .source("sd-mecha add_opposite_mask")
                    .triples(p -> {
                        double alpha = p.of(STRENGTH);
                        return (a, b, c) -> a + alpha * oppositeMask(a, b, c) * (b - c);
                    }),
            MergeMethod.named("add-strict-opposite")
                    .formula("A + 2*alpha*(B - C)*max(0, (C - A)*(B - C) / max(|A - C|, |B - C|)^2)")
                    .inputs("A", "B", "C")
                    .multiplier(STRENGTH)
                    .source("sd-mecha add_strict_opposite_mask")
                    .triples(p -> {
                        double alpha = p.of(STRENGTH);
                        return (a, b, c) -> a + alpha * strictOppositeMask(a, b, c) * (b - c);
                    }),
            MergeMethod.named("similarity-add-difference")
                    .formula("(1 - s)*(A + alpha*(B - C)) + s*((1 - alpha/2)*A + alpha/2*B),"
                            + " s = beta/2*(1 + A*B / max(|A|, |B|)^2)")
                    .inputs("A", "B", "C")
                    .multiplier(STRENGTH)
                    .parameters(BETA)
                    .source("meh similarity_add_difference")
                    .triples(p -> {
                        double alpha = p.of(STRENGTH);
                        double beta = p.of(BETA);
                        return (a, b, c) -> {
                            double larger = Math.max(Math.abs(a), Math.abs(b));
                            double similarity = (a * b / (larger * larger) + 1) / 2 * beta;
                            double s = Double.isNaN(similarity) ? beta : similarity;
                            return (1 - s) * (a + alpha * (b - c)) + s * ((1 - alpha / 2) * a + alpha / 2 * b);
                        };
                    }),
            MergeMethod.named("multiply-difference")
                    .formula("C + |A - C|^(1 - alpha) * |B - C|^alpha, with the sign of (1 - beta)*A + beta*B - C")
                    .inputs("A", "B", "C")
                    .multiplier(SHARE)
                    .parameters(BETA)
                    .source("meh multiply_difference")
                    .triples(p -> {
                        double alpha = p.of(SHARE);
                        double beta = p.of(BETA);
                        return (a, b, c) -> c
                                + Math.copySign(
                                        Math.pow(Math.abs(a - c), 1 - alpha) * Math.pow(Math.abs(b - c), alpha),
                                        (1 - beta) * a + beta * b - c);
                    }),
            MergeMethod.named("euclidean-add-difference")
                    .formula("C + |s|*d/|d|, d = sqrt((1 - alpha)*u^2 + alpha*v^2) with the sign of s,"
                            + " s = (1 - alpha)*A + alpha*B - C, u = (A - C)/|A - C|, v = (B - C)/|B - C|")
                    .inputs("A", "B", "C")
                    .multiplier(SHARE)
                    .source("meh euclidean_add_difference")
                    .tensors((in, p) -> {
                        double alpha = p.of(SHARE);
                        return in.after(() -> EuclideanNorms.of(in, alpha), norms -> (x, _) -> norms.element(x));
                    }),
            MergeMethod.named("extract")
                    .formula("base + lerp(a, b, alpha)*lerp(s, 1 - s, beta), a = A - base, b = B - base,"
                            + " s = ((1 + cos(a, b))/2)^gamma along the last axis")
                    .inputs("base", "A", "B")
                    .multiplier(SHARE)
                    .parameters(Extract.DIFFERENT, Extract.GAMMA)
                    .source("SuperMerger extract")
                    .tensors((in, p) -> Extract.of(in, p.of(SHARE), p.of(Extract.DIFFERENT), p.of(Extract.GAMMA))),
            MergeMethod.named("nearswap")
                    .formula("A + w*(B - A), w = min(1, t / |A - B|): B where it is near A")
                    .inputs("A", "B")
                    .multiplier(LIMIT)
                    .source("mergekit nearswap")
                    .pairs(p -> {
                        double t = p.of(LIMIT);
                        return (a, b) -> {
                            double w = clamp(t / Math.max(Math.abs(a - b), 1e-6), 0, 1);
                            return w * b + (1 - w) * a;
                        };
                    }),
            MergeMethod.named("clamp")
                    .formula("A, no smaller than the smallest bound and no larger than the largest")
                    .inputsFrom(3, "A", "bounds…")
                    .parameters(STIFFNESS)
                    .source("sd-mecha clamp")
                    .tensors((in, p) -> {
                        double stiffness = p.of(STIFFNESS);
                        return in.each(x -> clampToBounds(x, stiffness));
                    }));

    private Differences() {}

    static double trainMask(double a, double b, double c) {
        return 1.8 * ratio(Math.abs(b - a), Math.abs(b - a) + Math.abs(b - c));
    }

    static double oppositeMask(double a, double b, double c) {
        return 2 * ratio(Math.abs(a - b), Math.abs(a - b) + Math.abs(a + b - 2 * c));
    }

    static double strictOppositeMask(double a, double b, double c) {
        double larger = Math.max(Math.abs(a - c), Math.abs(b - c));
        return 2 * Math.max(0, ratio((c - a) * (b - c), larger * larger));
    }

    /** Stiffness moves each bound towards the innermost one on its side of the mean. */
    private static double clampToBounds(double[] x, double stiffness) {
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        double mean = 0;
        for (int i = 1; i < x.length; i++) {
            low = Math.min(low, x[i]);
            high = Math.max(high, x[i]);
            mean += x[i] / (x.length - 1);
        }
        double innerLow = low;
        double innerHigh = high;
        for (int i = 1; i < x.length; i++) {
            if (innerHigh >= x[i] && x[i] >= mean) {
                innerHigh = x[i];
            }
            if (innerLow <= x[i] && x[i] <= mean) {
                innerLow = x[i];
            }
        }
        return clamp(x[0], lerp(low, innerLow, stiffness), lerp(high, innerHigh, stiffness));
    }

    /** What euclidean-add-difference needs to know of a whole tensor. */
    private record EuclideanNorms(double alpha, double ofA, double ofB, double ofDistance, double ofSum) {
        static EuclideanNorms of(Operands in, double alpha) {
            double[] squares = new double[4];
            in.sweep((x, _) -> {
                squares[0] += (x[0] - x[2]) * (x[0] - x[2]);
                squares[1] += (x[1] - x[2]) * (x[1] - x[2]);
            });
            EuclideanNorms half = new EuclideanNorms(alpha, Math.sqrt(squares[0]), Math.sqrt(squares[1]), 1, 1);
            in.sweep((x, _) -> {
                double distance = half.distance(x);
                double sum = half.sum(x);
                squares[2] += distance * distance;
                squares[3] += sum * sum;
            });
            return new EuclideanNorms(alpha, half.ofA, half.ofB, Math.sqrt(squares[2]), Math.sqrt(squares[3]));
        }

        double element(double[] x) {
            return x[2] + Math.copySign(ratio(distance(x), ofDistance), sum(x)) * ofSum;
        }

        private double distance(double[] x) {
            double u = ratio(x[0] - x[2], ofA);
            double v = ratio(x[1] - x[2], ofB);
            return Math.sqrt((1 - alpha) * u * u + alpha * v * v);
        }

        private double sum(double[] x) {
            return (1 - alpha) * x[0] + alpha * x[1] - x[2];
        }
    }
}
