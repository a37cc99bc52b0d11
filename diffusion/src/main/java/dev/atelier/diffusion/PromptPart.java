package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What stands between the words {@code AND} of a prompt, each part a picture of its own that the others are blended
 * with: {@code a cat :1.2 AND a dog}.
 *
 * @param weight the number after a colon at the end, or 1
 */
record PromptPart(String text, double weight) {
    private static final Pattern AND = Pattern.compile("\\bAND\\b", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern NUMBER = Pattern.compile("[-+]?(\\d+\\.?|\\d*\\.\\d+)");

    /** The parts of a prompt, at least one. As in AUTOMATIC1111 the last number counts without any {@code AND}, too. */
    static List<PromptPart> parse(String prompt) {
        return Arrays.stream(AND.split(prompt, -1)).map(PromptPart::of).toList();
    }

    private static PromptPart of(String part) {
        int colon = part.lastIndexOf(':');
        String number = part.substring(colon + 1).strip();
        return colon >= 0 && NUMBER.matcher(number).matches()
                ? new PromptPart(part.substring(0, colon).stripTrailing(), Double.parseDouble(number))
                : new PromptPart(part.stripTrailing(), 1);
    }
}
