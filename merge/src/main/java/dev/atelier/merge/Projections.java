package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.ratio;

import java.util.List;

/** The part of one tensor that is orthogonal to another. */
final class Projections {
    private static final Parameter<Double> ALPHA = Parameter.number("alpha", 1, "how much of it is added");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("perpendicular")
                    .formula("B - A*<A, B>/<A, A>: the part of B that is orthogonal to A")
                    .inputs("A", "B")
                    .source("sd-mecha perpendicular_component")
                    .tensors((in, _) -> in.after(
                            () -> Gram.of(in),
                            gram -> (x, _) -> gram.norm(0) == 0 ? 0 : x[1] - x[0] * gram.dot(0, 1) / gram.dot(0, 0))),
            MergeMethod.named("add-perpendicular")
                    .formula("A + alpha*(b - a*<a, b>/<a, a>), a = A - C, b = B - C")
                    .inputs("A", "B", "C")
                    .multiplier(ALPHA)
                    .source("sd-mecha add_perpendicular")
                    .tensors((in, p) -> {
                        double alpha = p.of(ALPHA);
                        return in.after(() -> Gram.of(in, 2), gram -> {
                            double shared = ratio(gram.dot(0, 1), gram.dot(0, 0));
                            double whole = gram.norm(0) == 0 ? 0 : alpha;
                            return (x, _) -> x[0] + whole * (x[1] - x[2] - (x[0] - x[2]) * shared);
                        });
                    }));

    private Projections() {}
}
