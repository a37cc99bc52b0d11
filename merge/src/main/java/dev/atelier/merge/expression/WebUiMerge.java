package dev.atelier.merge.expression;

import dev.atelier.merge.MergeMethod;
import dev.atelier.merge.MergeMethods;
import dev.atelier.merge.expression.Node.Argument;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A merge that AUTOMATIC1111's Checkpoint Merger offers.
 *
 * @param method as its page calls it: {@code Weighted sum}, {@code Add difference} or {@code No interpolation}
 * @param models the names of one to three models, primary first
 * @param half whether its "Save as float16" is on
 */
public record WebUiMerge(String method, List<String> models, double multiplier, boolean half) {
    private static final String NO_INTERPOLATION = "No interpolation";
    private static final String WEIGHTED_SUM = "Weighted sum";
    private static final String ADD_DIFFERENCE = "Add difference";
    private static final double ROUNDING = 1e-12;

    private record Term(double factor, String model) {
        Term times(double other) {
            return new Term(other * factor, model);
        }
    }

    /** The merge that an expression is, if it is one of these. */
    static Optional<WebUiMerge> of(Node node) {
        if (node instanceof Node.Call call
                && call.function().equals("fp16")
                && call.arguments().size() == 1) {
            return of(call.arguments().getFirst().value())
                    .map(merge -> new WebUiMerge(merge.method, merge.models, merge.multiplier, true));
        }
        return node instanceof Node.Call call ? call(call) : sum(terms(node));
    }

    private static Optional<WebUiMerge> call(Node.Call call) {
        boolean weightedSum = call.function().equals("weighted-sum");
        if (!weightedSum && !call.function().equals("add-difference")) {
            return Optional.empty();
        }
        MergeMethod method = MergeMethods.named(call.function());
        double multiplier = method.multiplier().orElseThrow().standard();
        List<String> models = new ArrayList<>();
        for (Argument argument : call.arguments()) {
            OptionalDouble number = scalar(argument.value());
            boolean isMultiplier = argument.name().isEmpty()
                    || argument.name().equals(method.multiplier().orElseThrow().name());
            if (number.isPresent() && isMultiplier) {
                multiplier = number.getAsDouble();
            } else if (argument.name().isEmpty() && argument.value() instanceof Node.Name model) {
                models.add(model.name());
            } else {
                return Optional.empty();
            }
        }
        return Optional.of(new WebUiMerge(weightedSum ? WEIGHTED_SUM : ADD_DIFFERENCE, models, multiplier, false));
    }

    private static Optional<WebUiMerge> sum(List<Term> terms) {
        List<String> models = terms.stream().map(Term::model).toList();
        double total = terms.stream().mapToDouble(Term::factor).sum();
        boolean one = Math.abs(total - 1) < ROUNDING;
        if (terms.size() == 1 && terms.getFirst().factor == 1) {
            return Optional.of(new WebUiMerge(NO_INTERPOLATION, models, 0, false));
        }
        if (terms.size() == 2 && one) {
            return Optional.of(new WebUiMerge(WEIGHTED_SUM, models, terms.get(1).factor, false));
        }
        if (terms.size() == 3 && terms.getFirst().factor == 1 && terms.get(1).factor == -terms.get(2).factor) {
            return Optional.of(new WebUiMerge(ADD_DIFFERENCE, models, terms.get(1).factor, false));
        }
        return Optional.empty();
    }

    /** A sum of files with their factors; empty if it is anything else. */
    private static List<Term> terms(Node node) {
        return switch (node) {
            case Node.Name name -> List.of(new Term(1, name.name()));
            case Node.Sum sum -> {
                List<Term> left = terms(sum.left());
                List<Term> right = terms(sum.right());
                List<Term> all = new ArrayList<>(left);
                right.forEach(term -> all.add(term.times(sum.minus() ? -1 : 1)));
                yield left.isEmpty() || right.isEmpty() ? List.of() : all;
            }
            case Node.Product product -> {
                OptionalDouble left = scalar(product.left());
                OptionalDouble right = scalar(product.right());
                if (left.isPresent() && !product.divided()) {
                    yield times(left.getAsDouble(), product.right());
                }
                yield right.isEmpty()
                        ? List.of()
                        : times(product.divided() ? 1 / right.getAsDouble() : right.getAsDouble(), product.left());
            }
            case Node.Literal _, Node.Call _ -> List.of();
        };
    }

    private static List<Term> times(double factor, Node node) {
        return terms(node).stream().map(term -> term.times(factor)).toList();
    }

    private static OptionalDouble scalar(Node node) {
        return switch (node) {
            case Node.Literal number -> OptionalDouble.of(number.value());
            case Node.Product(Node.Literal left, Node.Literal right, boolean divided, int _) ->
                OptionalDouble.of(divided ? left.value() / right.value() : left.value() * right.value());
            case Node.Sum(Node.Literal left, Node.Literal right, boolean minus, int _) ->
                OptionalDouble.of(left.value() + (minus ? -right.value() : right.value()));
            case Node.Sum _, Node.Product _, Node.Name _, Node.Call _ -> OptionalDouble.empty();
        };
    }
}
