package dev.atelier.merge.expression;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts an expression into words. File names decide what a word is: dots, dashes and slashes belong to a name as long as
 * no space or bracket separates them from it, so {@code sd-v1-5} is one name and {@code A - B} is a difference.
 */
final class Lexer {
    private static final Pattern SPACE = Pattern.compile("[\\s\\u00a0]+");
    private static final Pattern QUOTED = Pattern.compile("\"((?:[^\"]++|\"\")*+)\"|'((?:[^']++|'')*+)'");
    /** May start with a drive, as paths on Windows do. A dash at the end of a word is a minus. */
    private static final Pattern WORD = Pattern.compile("(?:[A-Za-z]:(?=[\\\\/]))?[\\p{L}\\p{N}_.~@#/\\\\]"
            + "(?:[\\p{L}\\p{M}\\p{N}_.~@#/\\\\]++|-(?=[\\p{L}\\p{N}_.~@#-]))*+");

    private static final Pattern NUMBER = Pattern.compile("(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?");
    private static final String SYMBOLS = "+-*/(),=:";

    private final String text;
    private final List<Token> tokens = new ArrayList<>();
    private int at;

    private Lexer(String text) {
        this.text = text;
    }

    static List<Token> tokens(String text) {
        Lexer lexer = new Lexer(text);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        for (skipSpace(); at < text.length(); skipSpace()) {
            Matcher word = matcher(WORD);
            Matcher quoted = matcher(QUOTED);
            if (word.lookingAt() && !isDivision()) {
                word(word.group());
            } else if (quoted.lookingAt()) {
                String inside = quoted.group(1) != null
                        ? quoted.group(1).replace("\"\"", "\"")
                        : quoted.group(2).replace("''", "'");
                add(Token.Kind.NAME, inside, quoted.group().length());
            } else if (SYMBOLS.indexOf(text.charAt(at)) >= 0) {
                add(Token.Kind.SYMBOL, text.substring(at, at + 1), 1);
            } else {
                String problem = text.charAt(at) == '"' || text.charAt(at) == '\''
                        ? "this quote is not closed"
                        : "\"%s\" cannot be part of an expression; names with such characters need quotes"
                                .formatted(Character.toString(text.codePointAt(at)));
                throw new ExpressionException(problem, text, at);
            }
        }
        tokens.add(new Token(Token.Kind.END, "", at));
    }

    /** A word before a bracket is a function, or an operand and the method called on it: {@code A.v2.prune(}. */
    private void word(String word) {
        Matcher number = matcher(NUMBER);
        boolean called = at + word.length() < text.length() && text.charAt(at + word.length()) == '(';
        if (number.lookingAt() && number.end() >= at + word.length()) {
            add(Token.Kind.NUMBER, number.group(), number.end() - at);
        } else if (!called) {
            add(Token.Kind.NAME, word, word.length());
        } else {
            int dot = word.lastIndexOf('.');
            if (dot > 0) {
                word(word.substring(0, dot), dot);
            }
            if (dot >= 0) {
                at++;
            }
            add(dot < 0 ? Token.Kind.FUNCTION : Token.Kind.METHOD, word.substring(dot + 1), word.length() - dot - 1);
        }
    }

    private void word(String operand, int length) {
        add(NUMBER.matcher(operand).matches() ? Token.Kind.NUMBER : Token.Kind.NAME, operand, length);
    }

    private void add(Token.Kind kind, String word, int length) {
        tokens.add(new Token(kind, word, at));
        at += length;
    }

    /** Whether the slash here, if there is one, follows an operand. */
    private boolean isDivision() {
        return text.charAt(at) == '/' && !tokens.isEmpty() && isOperand(tokens.getLast());
    }

    private static boolean isOperand(Token token) {
        return token.kind() == Token.Kind.NAME || token.kind() == Token.Kind.NUMBER || token.is(')');
    }

    private void skipSpace() {
        Matcher space = matcher(SPACE);
        if (space.lookingAt()) {
            at = space.end();
        }
    }

    private Matcher matcher(Pattern pattern) {
        return pattern.matcher(text).region(at, text.length());
    }
}
