package dev.atelier.diffusion;

import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.TextWindow;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * A prompt of any length, cut into the windows of 77 tokens that the text encoder reads, the way AUTOMATIC1111 cuts it:
 * 75 tokens each, but what follows a late comma moves on as a whole, so that a phrase is not torn apart. Each token
 * keeps the weight of the text that it came from. An embedding takes as many places as it has vectors, and is not torn
 * apart either.
 */
final class TokenWindows {
    private static final int CAPACITY = ClipTokenizer.WINDOW - 2;
    private static final int COMMA = 267; // ",</w>" in CLIP's vocabulary
    private static final int PLACEHOLDER = 0; // where an embedding's vectors will be

    private static final int NO_COMMA = -1;

    /**
     * BOS, up to 75 tokens, and EOS to the end, which is SD 1.x's padding; everything but the tokens weighs 1.
     *
     * @param weights of the 77 tokens
     */
    record Window(TextWindow text, List<Float> weights) {
        private static Window of(List<Token> content, List<TextWindow.Placed> embeddings) {
            List<Integer> tokens = new ArrayList<>(Collections.nCopies(ClipTokenizer.WINDOW, ClipTokenizer.EOS));
            List<Float> weights = new ArrayList<>(Collections.nCopies(ClipTokenizer.WINDOW, 1f));
            tokens.set(0, ClipTokenizer.BOS);
            for (int i = 0; i < content.size(); i++) {
                tokens.set(i + 1, content.get(i).id);
                weights.set(i + 1, (float) content.get(i).weight);
            }
            return new Window(new TextWindow(tokens, embeddings), List.copyOf(weights));
        }
    }

    private record Token(int id, double weight) {}

    private final Embeddings embeddings;
    private final int backtrack;
    private final List<Window> closed = new ArrayList<>();
    private final List<Token> open = new ArrayList<>();
    private final List<TextWindow.Placed> placed = new ArrayList<>(); // in the open window
    private int lastComma = NO_COMMA;

    private TokenWindows(Embeddings embeddings, int backtrack) {
        this.embeddings = embeddings;
        this.backtrack = backtrack;
    }

    /** What fills up a shorter prompt beside a longer one. */
    static Window empty() {
        return Window.of(List.of(), List.of());
    }

    /**
     * The windows of a prompt, one or more.
     *
     * @param backtrack how many tokens after a comma may move on
     */
    static List<Window> of(List<PromptSegment> segments, Embeddings embeddings, int backtrack) {
        TokenWindows windows = new TokenWindows(embeddings, backtrack);
        for (PromptSegment segment : segments) {
            if (segment.isBreak()) {
                windows.close();
            } else {
                int[] tokens = ClipTokenizer.standard().encode(segment.text());
                windows.add(Arrays.stream(tokens).boxed().toList(), segment.weight());
            }
        }
        if (!windows.open.isEmpty() || windows.closed.isEmpty()) {
            windows.close();
        }
        return windows.closed;
    }

    private void add(List<Integer> tokens, double weight) {
        int position = 0;
        while (position < tokens.size()) {
            makeRoom(tokens.get(position));
            Embeddings.Match match = embeddings.at(tokens, position).orElse(null);
            if (match == null) {
                open.add(new Token(tokens.get(position), weight));
                position++;
            } else {
                int vectors = match.embedding().vectors();
                if (open.size() + vectors > CAPACITY) {
                    close();
                }
                placed.add(new TextWindow.Placed(open.size() + 1, match.embedding()));
                open.addAll(Collections.nCopies(vectors, new Token(PLACEHOLDER, weight)));
                position += match.length();
            }
        }
    }

    /** An embedding that should move on stays behind, and only its placeholders move: so it is in AUTOMATIC1111. */
    private void makeRoom(int token) {
        if (open.size() == CAPACITY) {
            boolean late = lastComma != NO_COMMA && CAPACITY - lastComma <= backtrack;
            int end = late && token != COMMA ? lastComma + 1 : CAPACITY;
            List<Token> moved = new ArrayList<>(open.subList(end, CAPACITY));
            open.subList(end, CAPACITY).clear();
            close();
            open.addAll(moved);
        } else if (token == COMMA) {
            lastComma = open.size();
        }
    }

    private void close() {
        closed.add(Window.of(open, placed));
        open.clear();
        placed.clear();
        lastComma = NO_COMMA;
    }
}
