package dev.atelier.diffusion;

import dev.atelier.diffusion.Timeline.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.function.IntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Prompt editing, in AUTOMATIC1111's grammar: {@code [before:after:when]} switches at a step or, with a point in the
 * number, at a share of the steps, {@code [after:when]} appears, {@code [before::when]} goes, and {@code [a|b|c]} takes
 * turns. Everything else, {@code (brackets)} too, is text. A bracket that fits no rule is text as well; but a
 * {@code |} or a backslash that fits none makes all of the prompt text.
 */
final class PromptTimeline {
    private static final String DELIMITERS = "[]():|";

    // ends a schedule; the number is any that Python would read
    private static final Pattern WHEN =
            Pattern.compile("\\s*+([+-]?(?:\\d++\\.?+\\d*+|\\.\\d++)(?:[eE][+-]?\\d++)?+)\\s*+]");

    // a bracket that is nested deeper is text, so that no prompt can exhaust the stack
    private static final int MOST_NESTING = 100;

    /** A part of a prompt, whose text depends on the step. */
    private sealed interface Node {
        String at(int step);

        /** Tells the steps after which the text may be another. */
        void switches(int steps, IntConsumer after);
    }

    private record Text(String text) implements Node {
        @Override
        public String at(int step) {
            return text;
        }

        @Override
        public void switches(int steps, IntConsumer after) {}
    }

    private record Sequence(List<Node> nodes) implements Node {
        @Override
        public String at(int step) {
            StringBuilder text = new StringBuilder();
            nodes.forEach(node -> text.append(node.at(step)));
            return text.toString();
        }

        @Override
        public void switches(int steps, IntConsumer after) {
            nodes.forEach(node -> node.switches(steps, after));
        }
    }

    private record Scheduled(Node before, Node after, int when) implements Node {
        @Override
        public String at(int step) {
            return step <= when ? before.at(step) : after.at(step);
        }

        @Override
        public void switches(int steps, IntConsumer after) {
            if (when >= 1) {
                after.accept(when);
            }
            before.switches(steps, after);
            this.after.switches(steps, after);
        }
    }

    private record Alternating(List<Node> nodes) implements Node {
        @Override
        public String at(int step) {
            return nodes.get((step - 1) % nodes.size()).at(step);
        }

        @Override
        public void switches(int steps, IntConsumer after) {
            IntStream.rangeClosed(1, steps).forEach(after);
            nodes.forEach(node -> node.switches(steps, after));
        }
    }

    /** What was read, and where it ended. */
    private record Parsed(Node node, int end, int nesting) {}

    private final String prompt;
    private final EditingTimes times;

    /** The bracket that begins at each position, if one does. Filled from the end, for brackets hold later ones. */
    private final @Nullable Parsed[] brackets;

    private PromptTimeline(String prompt, EditingTimes times) {
        this.prompt = prompt;
        this.times = times;
        this.brackets = new Parsed[prompt.length()];
        for (int i = prompt.length() - 1; i >= 0; i--) {
            brackets[i] = bracket(i);
        }
    }

    static Timeline<String> of(String prompt, EditingTimes times) {
        Node node = new PromptTimeline(prompt, times).parse();
        NavigableSet<Integer> ends = new TreeSet<>(List.of(times.steps()));
        node.switches(times.steps(), ends::add);
        return new Timeline<>(
                ends.stream().map(end -> new Entry<>(end, node.at(end))).toList());
    }

    private Node parse() {
        List<Node> nodes = new ArrayList<>();
        int at = 0;
        while (at < prompt.length()) {
            Parsed text = sequence(at);
            nodes.add(text.node);
            at = text.end;
            if (at < prompt.length()) {
                if (prompt.charAt(at) == '|' || prompt.charAt(at) == '\\') {
                    return new Text(prompt);
                }
                nodes.add(new Text(prompt.substring(at, at + 1)));
                at++;
            }
        }
        return new Sequence(nodes);
    }

    /** Text and brackets, as far as they go. */
    private Parsed sequence(int from) {
        List<Node> nodes = new ArrayList<>();
        int nesting = 0;
        int at = from;
        while (at < prompt.length()) {
            Parsed bracket = brackets[at];
            int end = endOfText(at);
            if (bracket != null) {
                nodes.add(bracket.node);
                nesting = Math.max(nesting, bracket.nesting);
                at = bracket.end;
            } else if (end > at) {
                nodes.add(new Text(prompt.substring(at, end)));
                at = end;
            } else {
                break;
            }
        }
        return new Parsed(new Sequence(nodes), at, nesting);
    }

    private int endOfText(int from) {
        int at = from;
        while (at < prompt.length() && DELIMITERS.indexOf(prompt.charAt(at)) < 0) {
            if (prompt.charAt(at) == '\\') {
                if (at + 1 == prompt.length()) {
                    break;
                }
                at++;
            }
            at++;
        }
        return at;
    }

    private @Nullable Parsed bracket(int at) {
        Parsed bracket = switch (prompt.charAt(at)) {
            case '(' -> round(at);
            case '[' -> square(at);
            default -> null;
        };
        return bracket != null && bracket.nesting <= MOST_NESTING ? bracket : null;
    }

    /** {@code (a)} or {@code (a:b)}, which only hold what is inside them. */
    private @Nullable Parsed round(int at) {
        Parsed first = sequence(at + 1);
        if (isAt(first.end, ')')) {
            return verbatim(at, first.end + 1, first);
        }
        if (isAt(first.end, ':')) {
            Parsed second = sequence(first.end + 1);
            if (isAt(second.end, ')')) {
                return verbatim(at, second.end + 1, first, second);
            }
        }
        return null;
    }

    private @Nullable Parsed square(int at) {
        Parsed first = sequence(at + 1);
        if (isAt(first.end, ']')) {
            return verbatim(at, first.end + 1, first);
        }
        if (isAt(first.end, '|')) {
            return alternating(first);
        }
        if (isAt(first.end, ':')) {
            Node nothing = new Text("");
            Parsed appearing = scheduled(nothing, first, first.nesting);
            if (appearing != null) {
                return appearing;
            }
            Parsed second = sequence(first.end + 1);
            if (isAt(second.end, ':')) {
                return scheduled(first.node, second, Math.max(first.nesting, second.nesting));
            }
        }
        return null;
    }

    private @Nullable Parsed alternating(Parsed first) {
        List<Node> nodes = new ArrayList<>(List.of(first.node));
        int nesting = first.nesting;
        int at = first.end;
        while (isAt(at, '|')) {
            Parsed next = sequence(at + 1);
            nodes.add(next.node);
            nesting = Math.max(nesting, next.nesting);
            at = next.end;
        }
        return isAt(at, ']') ? new Parsed(new Alternating(nodes), at + 1, nesting + 1) : null;
    }

    /** A schedule, if after the colon behind {@code after} there is a number and the end of the bracket. */
    private @Nullable Parsed scheduled(Node before, Parsed after, int nesting) {
        Matcher when = WHEN.matcher(prompt).region(after.end + 1, prompt.length());
        if (!when.lookingAt()) {
            return null;
        }
        return new Parsed(new Scheduled(before, after.node, times.step(when.group(1))), when.end(), nesting + 1);
    }

    private Parsed verbatim(int from, int end, Parsed... inside) {
        List<Node> nodes = new ArrayList<>();
        int nesting = 0;
        int at = from;
        for (Parsed part : inside) {
            nodes.add(new Text(prompt.substring(at, at + 1))); // the bracket or the colon
            nodes.add(part.node);
            nesting = Math.max(nesting, part.nesting);
            at = part.end;
        }
        nodes.add(new Text(prompt.substring(at, end)));
        return new Parsed(new Sequence(nodes), end, nesting + 1);
    }

    private boolean isAt(int at, char c) {
        return at < prompt.length() && prompt.charAt(at) == c;
    }
}
