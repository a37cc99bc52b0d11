package dev.atelier.training;

import dev.atelier.model.ClipTokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** Captions as the text encoder reads them, in windows: BOS, up to 75 tokens, EOS to the end. What is longer is cut off. */
final class CaptionTokens {
    /** Tokens in a window. */
    static final int READ = ClipTokenizer.WINDOW - 2;

    private final int most;
    private final String word;
    private final int[] wordIds;
    private final Map<String, int[]> known = new HashMap<>();

    CaptionTokens() {
        this(READ, "", 0);
    }

    /**
     * @param most how many tokens of a caption are read: a multiple of 75
     * @param word a word that CLIP does not know; empty for none
     * @param vectors how many tokens stand for it; their ids follow CLIP's
     */
    CaptionTokens(int most, String word, int vectors) {
        this.most = most;
        this.word = word;
        this.wordIds = IntStream.range(0, vectors)
                .map(i -> ClipTokenizer.VOCABULARY + i)
                .toArray();
    }

    /** How many of a caption's tokens are cut off. */
    int excess(String caption) {
        return Math.max(0, ids(caption).length - most);
    }

    /** How many windows each caption has. */
    int windows() {
        return most / READ;
    }

    /** The first window of 77 tokens; the same object for the same caption. */
    int[] of(String caption) {
        return known.computeIfAbsent(caption, text -> window(ids(text), 0));
    }

    /** All windows of a caption, kohya's {@code max_token_length}: those that it does not fill are empty. */
    int[][] all(String caption) {
        int[] ids = ids(caption);
        return IntStream.range(0, windows()).mapToObj(i -> window(ids, i)).toArray(int[][]::new);
    }

    private static int[] window(int[] ids, int number) {
        int[] window = new int[ClipTokenizer.WINDOW];
        Arrays.fill(window, ClipTokenizer.EOS);
        window[0] = ClipTokenizer.BOS;
        int from = number * READ;
        System.arraycopy(ids, Math.min(from, ids.length), window, 1, Math.clamp(ids.length - from, 0, READ));
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
