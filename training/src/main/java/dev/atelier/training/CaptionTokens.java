package dev.atelier.training;

import dev.atelier.model.ClipTokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Captions as the text encoder reads them: BOS, up to 75 tokens, EOS to the end. What is longer is cut off. */
final class CaptionTokens {
    private final Map<String, int[]> known = new HashMap<>();

    /** A window of 77 tokens; the same object for the same caption. */
    int[] of(String caption) {
        return known.computeIfAbsent(caption, CaptionTokens::encode);
    }

    private static int[] encode(String caption) {
        int[] ids = ClipTokenizer.standard().encode(caption);
        int[] window = new int[ClipTokenizer.WINDOW];
        Arrays.fill(window, ClipTokenizer.EOS);
        window[0] = ClipTokenizer.BOS;
        System.arraycopy(ids, 0, window, 1, Math.min(ids.length, ClipTokenizer.WINDOW - 2));
        return window;
    }
}
