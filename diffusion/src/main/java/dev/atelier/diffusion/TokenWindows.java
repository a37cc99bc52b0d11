package dev.atelier.diffusion;

import dev.atelier.model.ClipTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A prompt of any length, cut into the windows of 77 tokens that the text encoder reads, the way AUTOMATIC1111 cuts it:
 * 75 tokens each, but what follows a late comma moves on as a whole, so that a phrase is not torn apart.
 */
final class TokenWindows {
    private static final int CAPACITY = ClipTokenizer.WINDOW - 2;
    private static final int COMMA = 267; // ",</w>" in CLIP's vocabulary

    // AUTOMATIC1111's option comma_padding_backtrack: how many tokens may move to the next window
    private static final int BACKTRACK = 20;

    private static final int NO_COMMA = -1;

    private TokenWindows() {}

    /**
     * @param tokens the ids of the prompt, without BOS and EOS
     * @return one window or more, each BOS, up to 75 tokens, and EOS to the end, which is SD 1.x's padding
     */
    static int[][] of(int[] tokens) {
        List<int[]> windows = new ArrayList<>();
        int start = 0;
        int lastComma = NO_COMMA;
        for (int i = 0; i < tokens.length; i++) {
            boolean full = i - start == CAPACITY;
            boolean comma = tokens[i] == COMMA;
            if (full) {
                int end = !comma && lastComma != NO_COMMA && i - lastComma <= BACKTRACK ? lastComma + 1 : i;
                windows.add(window(tokens, start, end));
                start = end;
                lastComma = NO_COMMA;
            } else if (comma) {
                lastComma = i;
            }
        }
        if (start < tokens.length || windows.isEmpty()) {
            windows.add(window(tokens, start, tokens.length));
        }
        return windows.toArray(int[][]::new);
    }

    private static int[] window(int[] tokens, int start, int end) {
        int[] window = new int[ClipTokenizer.WINDOW];
        Arrays.fill(window, ClipTokenizer.EOS);
        window[0] = ClipTokenizer.BOS;
        System.arraycopy(tokens, start, window, 1, end - start);
        return window;
    }
}
