package dev.atelier.merge.recipe;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * How one file was made.
 *
 * @param program what made it, with its version
 * @param expression the {@link dev.atelier.merge.expression.ModelExpression} of the inputs' names; empty if another program
 *     made it in a way that has none
 * @param format of the file
 * @param inputs by the names that the expression gives them: A, B, C, …
 */
public record Step(String program, String expression, Format format, SequencedMap<String, Input> inputs) {
    public Step {
        inputs = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(inputs));
    }

    /**
     * A file that went in.
     *
     * @param file its name, without folder; empty if it is not known
     * @param size in bytes; 0 if it is not known
     * @param sha256 64 hex digits; empty if they are not known
     * @see InputFiles#sha256 what they are where a model consists of several files
     */
    public record Input(String file, long size, String sha256) {
        private static final int SHORT_DIGITS = 10;

        /** The short hash that other programs show, AutoV2; empty if it is not known. */
        public String shortHash() {
            return sha256.substring(0, Math.min(SHORT_DIGITS, sha256.length()));
        }
    }
}
