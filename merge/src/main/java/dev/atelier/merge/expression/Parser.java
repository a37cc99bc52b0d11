package dev.atelier.merge.expression;

import dev.atelier.merge.expression.Node.Argument;
import java.util.ArrayList;
import java.util.List;

/** Reads the grammar that {@link ModelExpression} states, by recursive descent. */
final class Parser {
    /** Brackets and calls inside one another; no sensible expression comes near. */
    private static final int MAX_DEPTH = 60;

    private static final int MAX_OPERATORS = 500;

    private final String text;
    private final List<Token> tokens;
    private int next;
    private int depth;
    private int operators;

    private Parser(String text) {
        this.text = text;
        this.tokens = Lexer.tokens(text);
    }

    static Node parse(String text) {
        Parser parser = new Parser(text);
        Node expression = parser.sum();
        if (parser.peek().kind() != Token.Kind.END) {
            throw parser.unexpected("an operator (+ - * /)");
        }
        return expression;
    }

    private Node sum() {
        enter();
        Node left = product();
        while (isNext('+') || isNext('-')) {
            Token operator = operator();
            left = new Node.Sum(left, product(), operator.is('-'), operator.at());
        }
        depth--;
        return left;
    }

    private Node product() {
        Node left = signed();
        while (isNext('*') || isNext('/')) {
            Token operator = operator();
            left = new Node.Product(left, signed(), operator.is('/'), operator.at());
        }
        return left;
    }

    private Token operator() {
        if (++operators > MAX_OPERATORS) {
            throw new ExpressionException(
                    "the expression has more than %d operators".formatted(MAX_OPERATORS), text, peek().at());
        }
        return take();
    }

    private Node signed() {
        if (!isNext('-') && !isNext('+')) {
            return calls();
        }
        Token sign = take();
        enter();
        Node operand = signed();
        depth--;
        return sign.is('-') ? new Node.Product(new Node.Literal(-1, sign.at()), operand, false, sign.at()) : operand;
    }

    /** An operand, and the functions called on it: {@code A.prune().fp16()}. */
    private Node calls() {
        Node operand = operand();
        while (peek().kind() == Token.Kind.METHOD) {
            Token method = take();
            List<Argument> arguments = new ArrayList<>();
            arguments.add(new Argument("", operand, List.of(), operand.at()));
            arguments.addAll(arguments());
            operand = new Node.Call(method.text(), arguments, method.at());
            if (++depth > MAX_DEPTH) {
                throw tooDeep();
            }
        }
        return operand;
    }

    private Node operand() {
        Token token = peek();
        return switch (token.kind()) {
            case NUMBER -> number();
            case NAME -> new Node.Name(take().text(), token.at());
            case FUNCTION -> {
                take();
                yield new Node.Call(token.text(), arguments(), token.at());
            }
            case SYMBOL -> {
                if (!token.is('(')) {
                    throw unexpected("a model, a number or (");
                }
                take();
                Node inside = sum();
                expect(')');
                yield inside;
            }
            case METHOD, END -> throw unexpected("a model, a number or (");
        };
    }

    private Node.Literal number() {
        Token token = take();
        return new Node.Literal(Double.parseDouble(token.text()), token.at());
    }

    private List<Argument> arguments() {
        enter();
        expect('(');
        List<Argument> arguments = new ArrayList<>();
        if (!isNext(')')) {
            arguments.add(argument());
            while (isNext(',')) {
                take();
                arguments.add(argument());
            }
        }
        expect(')');
        depth--;
        return arguments;
    }

    private Argument argument() {
        Token first = peek();
        String name = "";
        if (first.kind() == Token.Kind.NAME && tokens.get(next + 1).is('=')) {
            name = take().text();
            take();
        }
        Node value = sum();
        List<Node.Literal> strengths = new ArrayList<>();
        while (isNext(':')) {
            take();
            double sign = 1;
            if (isNext('-')) {
                take();
                sign = -1;
            }
            if (peek().kind() != Token.Kind.NUMBER) {
                throw unexpected("a number");
            }
            Node.Literal strength = number();
            strengths.add(new Node.Literal(sign * strength.value(), strength.at()));
        }
        return new Argument(name, value, strengths, first.at());
    }

    private void enter() {
        if (++depth > MAX_DEPTH) {
            throw tooDeep();
        }
    }

    private ExpressionException tooDeep() {
        return new ExpressionException(
                "the expression is nested more than %d deep".formatted(MAX_DEPTH), text, peek().at());
    }

    private boolean isNext(char symbol) {
        return peek().is(symbol);
    }

    private void expect(char symbol) {
        if (!isNext(symbol)) {
            throw unexpected(symbol == ')' ? ") or ," : Character.toString(symbol));
        }
        take();
    }

    private Token peek() {
        return tokens.get(next);
    }

    private Token take() {
        return tokens.get(next++);
    }

    private ExpressionException unexpected(String expected) {
        Token found = peek();
        String what = found.kind() == Token.Kind.END ? "the expression ends" : "\"%s\" stands".formatted(found.text());
        return new ExpressionException(
                "%s here, where %s is expected; names with spaces or brackets need quotes".formatted(what, expected),
                text,
                found.at());
    }
}
