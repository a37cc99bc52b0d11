package dev.atelier.training.data;

import dev.atelier.training.setting.Setting;
import dev.atelier.training.setting.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How a caption changes from one use to the next; tags are what stands between commas. The order of the changes is kohya's, and so are
 * the separators' and wildcards' meanings.
 */
public record CaptionRule(
        @Setting(
                value = "caption-prefix",
                label = "TEXT",
                help = "Stands before every caption.",
                also = "caption_prefix")
        String prefix,

        @Setting(
                value = "caption-suffix",
                label = "TEXT",
                help = "Stands behind every caption.",
                also = "caption_suffix")
        String suffix,

        @Setting(
                value = "wildcards",
                help =
                        "One line of a caption is taken at random, and one word of {red|blue}. Otherwise the first line.",
                also = "enable_wildcard")
        boolean wildcards,

        @Setting(
                value = "shuffle-captions",
                help = "Put what stands between commas in another order each time.",
                also = "shuffle_caption")
        boolean shuffle,

        @Setting(
                value = "keep-tokens",
                label = "N",
                help = "How many of the parts between commas stay in front, and are never left out.",
                standard = "0",
                also = "keep_tokens")
        int keepTokens,

        @Setting(
                value = "keep-separator",
                label = "TEXT",
                help =
                        "What stands before this in a caption stays in front, and what stands behind a second one at the end.",
                also = "keep_tokens_separator")
        String keepSeparator,

        @Setting(
                value = "inner-separator",
                label = "TEXT",
                help = "Stands for a comma between parts that stay together.",
                also = "secondary_separator")
        String innerSeparator,

        @Setting(
                value = "tag-warmup",
                label = "STEPS",
                help = "Over so many steps captions grow from their first parts to all of them.",
                standard = "0",
                also = "token_warmup_step")
        int tagWarmup,

        @Setting(
                value = "tag-warmup-from",
                label = "N",
                help = "With how many parts that begins.",
                standard = "1",
                also = "token_warmup_min")
        int tagWarmupFrom,

        @Setting(
                value = "tag-dropout",
                label = "SHARE",
                help = "How often a part between commas is left out.",
                standard = "0",
                also = "caption_tag_dropout_rate")
        double tagDropout,

        @Setting(
                value = "caption-dropout",
                label = "SHARE",
                help = "How often a whole caption is left out, so that guidance has something to guide away from.",
                standard = "0",
                also = {"caption_dropout_rate", "proportion_empty_prompts"})
        double dropout,

        @Setting(
                value = "empty-epochs",
                label = "N",
                help = "In every so manyth epoch all captions are left out.",
                standard = "0",
                also = "caption_dropout_every_n_epochs")
        int emptyEpochs) {
    private static final Pattern WILDCARD = Pattern.compile("\\{([^}]+)}");
    private static final String OPEN = "\uE000"; // of Unicode's private use area
    private static final String CLOSE = "\uE001";

    /** Captions as they are. */
    public static final CaptionRule NONE = Settings.NONE.read(CaptionRule.class);

    public CaptionRule {
        if (!(tagDropout >= 0 && tagDropout <= 1 && dropout >= 0 && dropout <= 1)) {
            throw new IllegalArgumentException(
                    "a caption or a tag is left out with a probability between 0 and 1, not %s or %s"
                            .formatted(dropout, tagDropout));
        }
    }

    /** Whether there are only few texts that a caption can become: itself and nothing. */
    public boolean isFixed() {
        return !shuffle && !wildcards && tagDropout == 0 && tagWarmup == 0;
    }

    /** The caption as it is when nothing is left to chance. */
    public String plain(String caption) {
        return separated(whole(caption));
    }

    private String whole(String caption) {
        return Stream.of(prefix, caption.lines().findFirst().orElse(""), suffix)
                .filter(part -> !part.isEmpty())
                .reduce("", CaptionRule::joined);
    }

    private static String joined(String before, String after) {
        return before.isEmpty() ? after : before + " " + after;
    }

    /**
     * The caption for one use.
     *
     * @param step the number of the step, counted from 0
     * @param epoch the number of the epoch, counted from 1
     */
    public String apply(String caption, int step, int epoch, RandomGenerator random) {
        if (random.nextDouble() < dropout || (emptyEpochs > 0 && epoch % emptyEpochs == 0)) {
            return "";
        }
        if (isFixed()) {
            return plain(caption);
        }
        String chosen = whole(wildcards ? chosen(caption, random) : caption);
        return separated(shuffle || tagDropout > 0 || tagWarmup > 0 ? changed(chosen, step, random) : chosen);
    }

    private String separated(String caption) {
        return innerSeparator.isEmpty() ? caption : caption.replace(innerSeparator, ",");
    }

    private static String chosen(String caption, RandomGenerator random) {
        List<String> lines = caption.lines().toList();
        String line = lines.isEmpty() ? "" : lines.get(random.nextInt(lines.size()));
        return WILDCARD.matcher(line.replace("{{", OPEN).replace("}}", CLOSE))
                .replaceAll(found -> {
                    String[] words = found.group(1).split("\\|", -1);
                    return Matcher.quoteReplacement(words[random.nextInt(words.length)]);
                })
                .replace(OPEN, "{")
                .replace(CLOSE, "}");
    }

    private String changed(String caption, int step, RandomGenerator random) {
        List<String> first;
        List<String> between;
        List<String> last = List.of();
        if (!keepSeparator.isEmpty() && caption.contains(keepSeparator)) {
            String[] parts = caption.split(Pattern.quote(keepSeparator), 3);
            first = tags(parts[0]);
            between = tags(parts[1]);
            last = parts.length > 2 ? tags(parts[2]) : last;
            Stream.of(first, between).forEach(tags -> tags.removeIf(String::isEmpty));
        } else {
            List<String> all = tags(caption);
            int kept = Math.min(keepTokens, all.size());
            first = all.subList(0, kept);
            between = new ArrayList<>(all.subList(kept, all.size()));
        }
        if (step < tagWarmup) {
            int grown = (int) Math.floor((double) step * (between.size() - tagWarmupFrom) / tagWarmup) + tagWarmupFrom;
            between = new ArrayList<>(between.subList(0, Math.clamp(grown, 0, between.size())));
        }
        if (shuffle) {
            Collections.shuffle(between, Random.from(random));
        }
        between.removeIf(_ -> random.nextDouble() < tagDropout);
        return Stream.of(first, between, last).flatMap(List::stream).collect(Collectors.joining(", "));
    }

    private static List<String> tags(String text) {
        return new ArrayList<>(
                Arrays.stream(text.split(",", -1)).map(String::strip).toList());
    }
}
