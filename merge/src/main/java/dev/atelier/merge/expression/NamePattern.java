package dev.atelier.merge.expression;

import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Regular expressions for names of tensors, which callers of a server may have written. Some take longer than anybody waits, even
 * for one name: these are given up.
 */
final class NamePattern {
    private static final int MAX_STEPS = 1_000_000;

    private NamePattern() {}

    /**
     * Whether a pattern is found in a name.
     *
     * @return throws {@link IllegalArgumentException} for a name on which the pattern takes too long
     * @throws IllegalArgumentException if it is no pattern
     */
    static Predicate<String> found(String regex) {
        try {
            Pattern pattern = Pattern.compile(regex);
            return name -> pattern.matcher(new Watched(name, regex)).find();
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "\"%s\" is not a regular expression: %s".formatted(regex, e.getDescription()), e);
        }
    }

    /** Counts how often it is looked at. */
    private static final class Watched implements CharSequence {
        private final String text;
        private final String regex;
        private int steps;

        Watched(String text, String regex) {
            this.text = text;
            this.regex = regex;
        }

        @Override
        public char charAt(int index) {
            if (++steps > MAX_STEPS) {
                throw new IllegalArgumentException(
                        "\"%s\" takes too long on \"%s\"; repeat nothing that repeats".formatted(regex, text));
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.substring(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
