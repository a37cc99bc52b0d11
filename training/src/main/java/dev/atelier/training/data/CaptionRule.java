package dev.atelier.training.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * How a caption changes from one use to the next; tags are what stands between commas. The order of the changes is kohya's.
 *
 * @param prefix stands before every caption
 * @param suffix stands behind every caption
 * @param shuffle whether tags change places
 * @param keepTokens how many tags at the beginning stay where they are, and are never left out
 * @param tagDropout with what probability a tag is left out
 * @param dropout with what probability the whole caption is left out, so that guidance has something to guide away from
 */
public record CaptionRule(
        String prefix, String suffix, boolean shuffle, int keepTokens, double tagDropout, double dropout) {
    /** Captions as they are. */
    public static final CaptionRule NONE = new CaptionRule("", "", false, 0, 0, 0);

    public CaptionRule {
        if (!(tagDropout >= 0 && tagDropout <= 1 && dropout >= 0 && dropout <= 1)) {
            throw new IllegalArgumentException(
                    "a caption or a tag is left out with a probability between 0 and 1, not %s or %s"
                            .formatted(dropout, tagDropout));
        }
    }

    /** Whether there are only few texts that a caption can become: itself and nothing. */
    public boolean isFixed() {
        return !shuffle && tagDropout == 0;
    }

    /** The caption as it is when nothing is left to chance. */
    public String plain(String caption) {
        return Stream.of(prefix, caption, suffix)
                .filter(part -> !part.isEmpty())
                .reduce("", CaptionRule::joined);
    }

    private static String joined(String before, String after) {
        return before.isEmpty() ? after : before + " " + after;
    }

    /** The caption for one use. */
    public String apply(String caption, RandomGenerator random) {
        if (random.nextDouble() < dropout) {
            return "";
        }
        String whole = plain(caption);
        if (isFixed()) {
            return whole;
        }
        List<String> tags = new ArrayList<>(
                Arrays.stream(whole.split(",", -1)).map(String::strip).toList());
        List<String> kept = tags.subList(0, Math.min(keepTokens, tags.size()));
        List<String> others = new ArrayList<>(tags.subList(kept.size(), tags.size()));
        if (shuffle) {
            Collections.shuffle(others, Random.from(random));
        }
        others.removeIf(_ -> random.nextDouble() < tagDropout);
        return String.join(", ", Stream.concat(kept.stream(), others.stream()).toList());
    }
}
