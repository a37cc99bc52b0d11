package dev.atelier.merge.expression;

/** A word of an expression; {@code at} is the position of its first character. */
record Token(Kind kind, String text, int at) {
    enum Kind {
        NUMBER,
        /** Bare or quoted. */
        NAME,
        /** A name before a bracket. */
        FUNCTION,
        /** A name between a dot and a bracket. */
        METHOD,
        SYMBOL,
        END
    }

    boolean is(char symbol) {
        return kind == Kind.SYMBOL && text.charAt(0) == symbol;
    }
}
