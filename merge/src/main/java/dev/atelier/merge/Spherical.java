package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.clamp;
import static dev.atelier.merge.Interpolation.lerp;

import java.util.Arrays;
import java.util.List;

/** Interpolation by angle: a tensor is a direction and a length. */
final class Spherical {
    private enum Variant {
        NORM_INTERPOLATING,
        MERGEKIT
    }

    private enum Vectors {
        TENSOR,
        LAST_AXIS,
        FIRST_AXIS
    }

    private static final Parameter<Double> T = Parameter.number("t", 0.5, "0 is A, 1 is B");
    private static final Parameter<Variant> VARIANT = Parameter.choice(
            "variant", Variant.NORM_INTERPOLATING, "mergekit rotates A and B without evening out their lengths");
    private static final Parameter<Vectors> VECTORS =
            Parameter.choice("vectors", Vectors.TENSOR, "what has an angle of its own");
    private static final Parameter<List<Double>> WEIGHTS = Parameter.perModel("weights", 1, "the models' weights");
    private static final Parameter<Boolean> NORMALIZE =
            Parameter.flag("normalize", true, "divide the weights by their sum");
    private static final Parameter<Boolean> BASE =
            Parameter.flag("base", false, "the first model is a base; the others' differences from it are merged");
    private static final Parameter<Double> TOLERANCE =
            Parameter.between("tolerance", 1e-5, 0, 1, "the step in radians at which the iteration stops");
    private static final Parameter<Long> ITERATIONS = Parameter.whole("iterations", 10, 1, "at most so many steps");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("slerp")
                    .formula("(u*sin((1 - t)*w) + v*sin(t*w))/sin(w) * lerp(|A|, |B|, t), u = A/|A|, v = B/|B|,"
                            + " w the angle between them; lerp(A, B, t) where that is tiny")
                    .inputs("A", "B")
                    .multiplier(T)
                    .parameters(VARIANT)
                    .source("Shoemake 1985; sd-mecha slerp; mergekit slerp")
                    .tensors((in, p) -> {
                        double t = p.of(T);
                        boolean interpolatesNorms = p.of(VARIANT) == Variant.NORM_INTERPOLATING;
                        return in.after(
                                () -> interpolatesNorms ? slerp(Gram.of(in), t) : mergekitSlerp(Gram.of(in), t),
                                shares -> (x, _) -> shares.of(x[0], x[1]));
                    }),
            MergeMethod.named("nuslerp")
                    .formula("(A*sin((1 - t)*w) + B*sin(t*w))/sin(w), w the angle between A and B")
                    .inputs("A", "B")
                    .multiplier(T)
                    .parameters(VECTORS)
                    .source("mergekit nuslerp, t = w2/(w1 + w2)")
                    .tensors((in, p) -> {
                        double t = p.of(T);
                        Vectors vectors = p.of(VECTORS);
                        return in.after(
                                () -> nuslerp(in, vectors, t),
                                shares -> (x, index) -> shares[vector(in, vectors, index)].of(x[0], x[1]));
                    }),
            MergeMethod.named("multislerp")
                    .formula("m * sum of weight*|model|, m the direction of the sum of weight*model/|model|")
                    .inputsFrom(2, "A", "…")
                    .parameters(WEIGHTS, NORMALIZE, BASE)
                    .source("mergekit multislerp")
                    .tensors((in, p) -> {
                        int base = p.of(BASE) ? 0 : -1;
                        double[] weights = weights(in.count(), base, p);
                        return in.after(
                                () -> multislerp(Gram.of(in, base), weights),
                                shares -> (x, _) -> combination(x, base, shares));
                    }),
            MergeMethod.named("karcher")
                    .formula("the mean of the models' directions on the sphere, times the mean of their norms")
                    .inputsFrom(2, "A", "…")
                    .parameters(TOLERANCE, ITERATIONS)
                    .source("mergekit karcher: the Riemannian centre of mass")
                    .tensors((in, p) -> {
                        double tolerance = p.of(TOLERANCE);
                        long iterations = p.of(ITERATIONS);
                        return in.after(
                                () -> karcher(Gram.of(in), tolerance, iterations),
                                shares -> (x, _) -> combination(x, -1, shares));
                    }));

    private Spherical() {}

    private record Shares(double ofA, double ofB) {
        static Shares straight(double t) {
            return new Shares(1 - t, t);
        }

        /** On the arc between two directions that form the angle {@code omega}. */
        static Shares onArc(double omega, double t) {
            return new Shares(Math.sin((1 - t) * omega) / Math.sin(omega), Math.sin(t * omega) / Math.sin(omega));
        }

        double of(double a, double b) {
            return ofA * a + ofB * b;
        }
    }

    /** Almost parallel or antiparallel, the arc is undefined or rounding noise: the straight line. */
    private static Shares slerp(Gram gram, double t) {
        double a = gram.norm(0);
        double b = gram.norm(1);
        double cosine = clamp(gram.dot(0, 1) / (a * b), -1, 1);
        if (a == 0 || b == 0 || 1 - Math.abs(cosine) < 5e-4) {
            return Shares.straight(t);
        }
        Shares arc = Shares.onArc(Math.acos(cosine), t);
        double norm = lerp(a, b, t);
        return new Shares(arc.ofA / a * norm, arc.ofB / b * norm);
    }

    private static Shares mergekitSlerp(Gram gram, double t) {
        double a = gram.norm(0) > 1e-8 ? gram.norm(0) : 1;
        double b = gram.norm(1) > 1e-8 ? gram.norm(1) : 1;
        double cosine = clamp(gram.dot(0, 1) / (a * b), -1, 1);
        return Math.abs(cosine) > 0.9995 ? Shares.straight(t) : Shares.onArc(Math.acos(cosine), t);
    }

    private static Shares[] nuslerp(Operands in, Vectors vectors, double t) {
        int count = in.elements() == 0 ? 0 : vector(in, vectors, in.elements() - 1) + 1;
        double[] dots = new double[count];
        double[] a = new double[count];
        double[] b = new double[count];
        in.sweep((x, index) -> {
            int vector = vector(in, vectors, index);
            dots[vector] += x[0] * x[1];
            a[vector] += x[0] * x[0];
            b[vector] += x[1] * x[1];
        });
        Shares[] shares = new Shares[count];
        for (int i = 0; i < count; i++) {
            double norms = Math.max(Math.sqrt(a[i]), 1e-7) * Math.max(Math.sqrt(b[i]), 1e-7);
            double omega = Math.acos(clamp(dots[i] / norms, -1, 1));
            shares[i] = Math.sin(omega) < 1e-8 ? Shares.straight(t) : Shares.onArc(omega, t);
        }
        return shares;
    }

    /** Which vector the element at {@code index} belongs to; the last element belongs to the last vector. */
    private static int vector(Operands in, Vectors vectors, long index) {
        return switch (vectors) {
            case TENSOR -> 0;
            case LAST_AXIS -> (int) (index / in.lastAxis());
            case FIRST_AXIS -> in.shape().rank() < 2 ? 0 : (int) (index % in.rowLength());
        };
    }

    private static double[] weights(int models, int base, Settings p) {
        int weighted = base < 0 ? models : models - 1;
        double[] given = p.perModel(WEIGHTS, weighted);
        double sum = p.of(NORMALIZE) ? Arrays.stream(given).sum() : 1;
        double[] weights = new double[models];
        for (int i = 0; i < weighted; i++) {
            weights[models - weighted + i] = given[i] / sum;
        }
        return weights;
    }

    /** The weighted mean direction, rescaled to the weighted mean norm; shares of the models themselves. */
    private static double[] multislerp(Gram gram, double[] weights) {
        int n = weights.length;
        double[] direction = new double[n];
        double norm = 0;
        for (int i = 0; i < n; i++) {
            direction[i] = weights[i] / (gram.norm(i) + 1e-8);
            norm += weights[i] * gram.norm(i);
        }
        double length = gram.norm(direction);
        if (length < 1e-8) {
            return weights; // opposite directions have no mean: the weighted sum
        }
        double scale = norm / length;
        return Arrays.stream(direction).map(share -> share * scale).toArray();
    }

    /** Steps along the mean of the tangents that lead to the models, in coordinates along the models' directions. */
    private static double[] karcher(Gram gram, double tolerance, long iterations) {
        int n = gram.count();
        double[] mean = new double[n];
        double norms = 0;
        int counted = 0;
        for (int i = 0; i < n; i++) {
            norms += gram.norm(i) / n;
            if (gram.norm(i) > tolerance) {
                mean[i] = 1 / gram.norm(i);
                counted++;
            }
        }
        if (counted == 0) {
            return new double[n];
        }
        double[] inverse = mean.clone();
        scale(mean, 1 / gram.norm(mean));
        for (long step = 0; step < iterations; step++) {
            double[] tangent = new double[n];
            for (int i = 0; i < n; i++) {
                double cosine = clamp(gram.dot(i, mean) * inverse[i], -1, 1);
                double angle = Math.acos(cosine);
                if (inverse[i] != 0 && Math.sin(angle) > 1e-12) {
                    double factor = angle / Math.sin(angle) / counted;
                    tangent[i] += factor * inverse[i];
                    for (int j = 0; j < n; j++) {
                        tangent[j] -= factor * cosine * mean[j];
                    }
                }
            }
            double length = gram.norm(tangent);
            if (length < tolerance) {
                break;
            }
            for (int j = 0; j < n; j++) {
                mean[j] = Math.cos(length) * mean[j] + Math.sin(length) / length * tangent[j];
            }
            scale(mean, 1 / gram.norm(mean));
        }
        scale(mean, norms);
        return mean;
    }

    private static void scale(double[] vector, double factor) {
        for (int i = 0; i < vector.length; i++) {
            vector[i] *= factor;
        }
    }

    private static double combination(double[] x, int base, double[] shares) {
        double origin = base < 0 ? 0 : x[base];
        double sum = origin;
        for (int i = 0; i < x.length; i++) {
            sum += shares[i] * (x[i] - origin);
        }
        return sum;
    }
}
