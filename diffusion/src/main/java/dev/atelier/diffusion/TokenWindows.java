package dev.atelier.diffusion;

import dev.atelier.model.ClipTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A prompt of any length, cut into the windows of 77 tokens that the text encoder reads, the way AUTOMATIC1111 cuts it:
 * 75 tokens each, but what follows a late comma moves on as a whole, so that a phrase is not torn apart. Each token
 * keeps the weight of the text that it came from.
 */
final class TokenWindows {
    private static final int CAPACITY = ClipTokenizer.WINDOW - 2;
    private static final int COMMA = 267; // ",</w>" in CLIP's vocabulary

    // AUTOMATIC1111's option comma_padding_backtrack: how many tokens may move to the next window
    private static final int BACKTRACK = 20;

    private static final int NO_COMMA = -1;

    /** BOS, up to 75 tokens, and EOS to the end, which is SD 1.x's padding; everything but the tokens weighs 1. */
    static final class Window {
        private final int[] tokens = new int[ClipTokenizer.WINDOW];
        private final float[] weights = new float[ClipTokenizer.WINDOW];

        private Window(List<Token> content) {
            Arrays.fill(tokens, ClipTokenizer.EOS);
            Arrays.fill(weights, 1);
            tokens[0] = ClipTokenizer.BOS;
            for (int i = 0; i < content.size(); i++) {
                tokens[i + 1] = content.get(i).id;
                weights[i + 1] = (float) content.get(i).weight;
            }
        }

        int[] tokens() {
            return tokens;
        }

        float[] weights() {
            return weights;
        }
    }

    private record Token(int id, double weight) {}

    private final List<Window> closed = new ArrayList<>();
    private final List<Token> open = new ArrayList<>();
    private int lastComma = NO_COMMA;

    private TokenWindows() {}

    /** What fills up a shorter prompt beside a longer one. */
    static Window empty() {
        return new Window(List.of());
    }

    /** The windows of a prompt, one or more. */
    static List<Window> of(List<PromptSegment> segments) {
        TokenWindows windows = new TokenWindows();
        for (PromptSegment segment : segments) {
            if (segment.isBreak()) {
                windows.close();
            } else {
                for (int id : ClipTokenizer.standard().encode(segment.text())) {
                    windows.add(new Token(id, segment.weight()));
                }
            }
        }
        if (!windows.open.isEmpty() || windows.closed.isEmpty()) {
            windows.close();
        }
        return windows.closed;
    }

    private void add(Token token) {
        if (open.size() == CAPACITY) {
            boolean late = lastComma != NO_COMMA && CAPACITY - lastComma <= BACKTRACK;
            int end = late && token.id != COMMA ? lastComma + 1 : CAPACITY;
            List<Token> moved = new ArrayList<>(open.subList(end, CAPACITY));
            open.subList(end, CAPACITY).clear();
            close();
            open.addAll(moved);
        } else if (token.id == COMMA) {
            lastComma = open.size();
        }
        open.add(token);
    }

    private void close() {
        closed.add(new Window(open));
        open.clear();
        lastComma = NO_COMMA;
    }
}
