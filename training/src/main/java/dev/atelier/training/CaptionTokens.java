package dev.atelier.training;

import dev.atelier.model.ClipTokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** Captions as the text encoder reads them: BOS, up to 75 tokens, EOS to the end. What is longer is cut off. */
final class CaptionTokens {
    private final String word;
    private final int[] wordIds;
    private final Map<String, int[]> known = new HashMap<>();

    CaptionTokens() {
        this("", 0);
    }

    /**
     * @param word a word that CLIP does not know; empty for none
     * @param vectors how many tokens stand for it; their ids follow CLIP's
     */
    CaptionTokens(String word, int vectors) {
        this.word = word;
        this.wordIds = IntStream.range(0, vectors)
                .map(i -> ClipTokenizer.VOCABULARY + i)
                .toArray();
    }

    /** How many of a caption's tokens are cut off. */
    int excess(String caption) {
        return Math.max(0, ids(caption).length - (ClipTokenizer.WINDOW - 2));
    }

    /** A window of 77 tokens; the same object for the same caption. */
    int[] of(String caption) {
        return known.computeIfAbsent(caption, this::window);
    }

    private int[] window(String caption) {
        int[] ids = ids(caption);
        int[] window = new int[ClipTokenizer.WINDOW];
        Arrays.fill(window, ClipTokenizer.EOS);
        window[0] = ClipTokenizer.BOS;
        System.arraycopy(ids, 0, window, 1, Math.min(ids.length, ClipTokenizer.WINDOW - 2));
        return window;
    }

    private int[] ids(String caption) {
        int at = word.isEmpty() ? -1 : caption.indexOf(word);
        if (at < 0) {
            return ClipTokenizer.standard().encode(caption);
        }
        IntStream before = IntStream.of(ids(caption.substring(0, at)));
        IntStream after = IntStream.of(ids(caption.substring(at + word.length())));
        return IntStream.concat(IntStream.concat(before, IntStream.of(wordIds)), after)
                .toArray();
    }
}
