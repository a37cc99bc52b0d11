package dev.atelier.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A piece of a prompt and how much it counts, in AUTOMATIC1111's grammar: {@code (more)}, {@code (as much as this:1.3)},
 * {@code [less]}, {@code \(itself\)}, and {@code BREAK} for a new window of tokens.
 *
 * @param weight 1 for text without brackets
 */
record PromptSegment(String text, double weight) {
    private static final double MORE = 1.1;
    private static final double LESS = 1 / MORE;

    private static final String BREAK = "BREAK";
    private static final double BREAK_WEIGHT = -1;
    // begins only where blanks begin, so that a long run of them is read once
    private static final Pattern BREAKS =
            Pattern.compile("(?:\\G|(?<!\\s))\\s*+\\bBREAK\\b\\s*+", Pattern.UNICODE_CHARACTER_CLASS);

    private static final Pattern TOKEN = Pattern.compile("""
            \\\\(?<escaped>[\\\\()\\[\\]]?)\
            |:\\s*+(?<weight>[+-]?[.\\d]++)\\s*+\\)\
            |[^\\\\()\\[\\]:]++\
            |.""", Pattern.DOTALL);

    /** Whether this stands for the word {@code BREAK}. Inside brackets the word gets another weight, and is a word. */
    boolean isBreak() {
        return text.equals(BREAK) && weight == BREAK_WEIGHT;
    }

    /** The segments of a prompt, at least one. */
    static List<PromptSegment> parse(String prompt) {
        List<PromptSegment> segments = new ArrayList<>();
        List<Integer> round = new ArrayList<>(); // where in the segments the open brackets began
        List<Integer> square = new ArrayList<>();
        Matcher token = TOKEN.matcher(prompt);
        while (token.find()) {
            String text = token.group();
            Double weight = number(token.group("weight"));
            if (token.group("escaped") != null) {
                segments.add(new PromptSegment(token.group("escaped"), 1));
            } else if (text.equals("(")) {
                round.add(segments.size());
            } else if (text.equals("[")) {
                square.add(segments.size());
            } else if (weight != null && !round.isEmpty()) {
                multiply(segments, round.removeLast(), weight);
            } else if (text.equals(")") && !round.isEmpty()) {
                multiply(segments, round.removeLast(), MORE);
            } else if (text.equals("]") && !square.isEmpty()) {
                multiply(segments, square.removeLast(), LESS);
            } else {
                addWithBreaks(text, segments);
            }
        }
        round.forEach(start -> multiply(segments, start, MORE));
        square.forEach(start -> multiply(segments, start, LESS));
        return segments.isEmpty() ? List.of(new PromptSegment("", 1)) : joined(segments);
    }

    /** Null for what only looks like a number, such as {@code 1.5.2}; AUTOMATIC1111 fails on it. */
    private static @Nullable Double number(@Nullable String text) {
        try {
            return text == null ? null : Double.valueOf(text);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static void multiply(List<PromptSegment> segments, int from, double factor) {
        segments.subList(from, segments.size())
                .replaceAll(segment -> new PromptSegment(segment.text, segment.weight * factor));
    }

    private static void addWithBreaks(String text, List<PromptSegment> segments) {
        String[] parts = BREAKS.split(text, -1);
        for (int i = 0; i < parts.length; i++) {
            if (i > 0) {
                segments.add(new PromptSegment(BREAK, BREAK_WEIGHT));
            }
            segments.add(new PromptSegment(parts[i], 1));
        }
    }

    private static List<PromptSegment> joined(List<PromptSegment> segments) {
        List<PromptSegment> joined = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < segments.size(); i++) {
            PromptSegment segment = segments.get(i);
            text.append(segment.text);
            if (i + 1 == segments.size() || segments.get(i + 1).weight != segment.weight) {
                joined.add(new PromptSegment(text.toString(), segment.weight));
                text.setLength(0);
            }
        }
        return joined;
    }
}
