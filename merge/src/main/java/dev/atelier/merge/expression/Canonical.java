package dev.atelier.merge.expression;

import dev.atelier.merge.expression.Node.Argument;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Prints an expression in one form of the many that mean the same, with other names for its files. */
final class Canonical {
    /** How tightly the place holds in which something is printed; what binds less gets brackets there. */
    private enum Place {
        SUM,
        PRODUCT,
        FACTOR,
        OPERAND
    }

    private final Map<String, String> names;

    Canonical(Map<String, String> names) {
        this.names = names;
    }

    String of(Node node) {
        return of(node, Place.SUM);
    }

    private String of(Node node, Place place) {
        return switch (node) {
            case Node.Literal number -> number(number.value());
            case Node.Name name -> ModelExpression.quoted(names.getOrDefault(name.name(), name.name()));
            case Node.Call call -> call(call);
            case Node.Sum sum ->
                bracketed(
                        of(sum.left(), Place.SUM) + (sum.minus() ? " - " : " + ") + of(sum.right(), Place.PRODUCT),
                        place.compareTo(Place.SUM) > 0);
            case Node.Product(Node.Literal(double sign, int _), Node negated, boolean _, int _)
            when sign < 0 -> bracketed("-" + of(negated, Place.FACTOR), place == Place.OPERAND);
            case Node.Product product ->
                bracketed(
                        of(product.left(), Place.PRODUCT)
                                + (product.divided() ? " / " : "*")
                                + of(product.right(), Place.FACTOR),
                        place.compareTo(Place.PRODUCT) > 0);
        };
    }

    /** What changes one model is a method of it, {@code A.prune().vae(B)}; what merges several is a function of them. */
    private String call(Node.Call call) {
        List<Argument> arguments = call.arguments();
        if (arguments.isEmpty() || !Resolver.isStep(call.function())) {
            return call.function() + list(arguments);
        }
        return of(arguments.getFirst().value(), Place.OPERAND) + "." + call.function()
                + list(arguments.subList(1, arguments.size()));
    }

    private String list(List<Argument> arguments) {
        return arguments.stream().map(this::argument).collect(Collectors.joining(", ", "(", ")"));
    }

    /** The value of a named argument is a number or a word, never a file. */
    private String argument(Argument argument) {
        String value = !argument.name().isEmpty() && argument.value() instanceof Node.Name word
                ? ModelExpression.quoted(word.name())
                : of(argument.value(), Place.SUM);
        String strengths = argument.strengths().stream()
                .map(strength -> ":" + number(strength.value()))
                .collect(Collectors.joining());
        return (argument.name().isEmpty() ? "" : argument.name() + "=") + value + strengths;
    }

    private static String bracketed(String text, boolean needed) {
        return needed ? "(" + text + ")" : text;
    }

    private static String number(double value) {
        return Resolver.text(value);
    }
}
