package dev.atelier.merge.expression;

import java.util.List;

/** An expression as it was written; {@code at} is the position of its first character. */
sealed interface Node {
    int at();

    record Literal(double value, int at) implements Node {}

    /** A model, or the word that is an argument's value. */
    record Name(String name, int at) implements Node {}

    /** {@code left + right}, or {@code left - right}. */
    record Sum(Node left, Node right, boolean minus, int at) implements Node {}

    /** {@code left * right}, or {@code left / right}. */
    record Product(Node left, Node right, boolean divided, int at) implements Node {}

    record Call(String function, List<Argument> arguments, int at) implements Node {}

    /**
     * An argument of a call.
     *
     * @param name what stands before the equals sign; empty for an argument without one
     * @param strengths the numbers that follow a value after colons
     */
    record Argument(String name, Node value, List<Literal> strengths, int at) {}
}
