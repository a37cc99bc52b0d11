package dev.atelier.merge.expression;

import org.jspecify.annotations.Nullable;

/** A model expression cannot be understood or used. The message shows the expression with a caret under the place. */
public final class ExpressionException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;
    private static final int SHOWN_BEFORE = 60;
    private static final int SHOWN_AFTER = 40;

    private final String problem;
    private final int position;

    ExpressionException(String problem, String expression, int position) {
        this(problem, expression, position, null);
    }

    ExpressionException(String problem, String expression, int position, @Nullable Throwable cause) {
        super(problem + "\n" + caret(expression, position), cause);
        this.problem = problem;
        this.position = position;
    }

    /** What is wrong, in one line. */
    public String problem() {
        return problem;
    }

    /** Where in the expression, in characters from its start. */
    public int position() {
        return position;
    }

    /** The part of the expression round the place, and below it the caret. */
    private static String caret(String expression, int position) {
        int first = Math.max(0, position - SHOWN_BEFORE);
        int end = Math.min(expression.length(), position + SHOWN_AFTER);
        String before = first > 0 ? "…" : "";
        String shown = expression.substring(first, end).replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]", "?");
        return "  %s%s%s\n  %s^"
                .formatted(
                        before,
                        shown,
                        end < expression.length() ? "…" : "",
                        " ".repeat(before.length() + position - first));
    }
}
