package dev.atelier.training.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.training.setting.Settings;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CaptionRuleTest {
    private static final String CAPTION = "sks girl, red hair, blue eyes, smile";

    @Test
    void tagsChangePlacesButThoseThatAreKept() {
        CaptionRule rule = rule("shuffle-captions", true, "keep-tokens", 1);
        SplittableRandom random = new SplittableRandom(1);
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 200; i++) {
            seen.add(rule.apply(CAPTION, 0, 1, random));
        }
        assertThat(seen).hasSize(6).allMatch(caption -> caption.startsWith("sks girl, "));
    }

    @Test
    void captionsAndTagsAreLeftOutAsOftenAsAskedFor() {
        SplittableRandom random = new SplittableRandom(2);
        int empty = 0;
        int tags = 0;
        for (int i = 0; i < 2000; i++) {
            empty += rule("caption-dropout", 0.25).apply(CAPTION, 0, 1, random).isEmpty() ? 1 : 0;
            tags += rule("keep-tokens", 1, "tag-dropout", 0.5)
                    .apply(CAPTION, 0, 1, random)
                    .split(", ")
                    .length;
        }
        assertThat(empty).isBetween(400, 600);
        assertThat(tags).isBetween(4800, 5200);
    }

    @Test
    void whatStandsBeforeAndBehindIsAPartOfTheCaption() {
        CaptionRule rule = rule("caption-prefix", "photo of", "caption-suffix", "in oil");
        assertThat(rule.apply("a fox", 0, 1, new SplittableRandom(3))).isEqualTo("photo of a fox in oil");
        assertThat(rule.plain("")).isEqualTo("photo of in oil");
        assertThat(rule.isFixed()).isTrue();
    }

    private static CaptionRule rule(Object... options) {
        Settings settings = Settings.NONE;
        for (int i = 0; i < options.length; i += 2) {
            settings = settings.with((String) options[i], options[i + 1]);
        }
        return settings.read(CaptionRule.class);
    }

    /** The parts that kohya's {@code process_caption} leaves of these captions. */
    @Test
    void captionsGrowAndKeepWhatIsSeparatedAsKohyas() {
        String caption = "sks girl, red hair, blue eyes, smile, outdoors, sky, tree";
        SplittableRandom random = new SplittableRandom(4);
        CaptionRule growing = rule("keep-tokens", 1, "tag-warmup", 100);
        assertThat(growing.apply(caption, 50, 1, random)).isEqualTo("sks girl, red hair, blue eyes, smile");
        assertThat(growing.apply(caption, 100, 1, random)).isEqualTo(caption);
        assertThat(rule("tag-warmup", 100).apply(caption, 0, 1, random)).isEqualTo("sks girl");
        CaptionRule separated = rule("keep-separator", "|||", "inner-separator", ";;;", "shuffle-captions", true);
        assertThat(separated.apply("sks girl ||| red hair;;; smile ||| outdoors, sky", 0, 1, random))
                .isEqualTo("sks girl, red hair, smile, outdoors, sky");
    }

    @Test
    void wildcardsAndLinesAreChosenAtRandom() {
        SplittableRandom random = new SplittableRandom(5);
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            seen.add(rule("wildcards", true).apply("a {red|blue} fox\nan owl {{here}}", 0, 1, random));
        }
        assertThat(seen).containsExactlyInAnyOrder("a red fox", "a blue fox", "an owl {here}");
        assertThat(rule().apply("a {red|blue} fox\nan owl", 0, 1, random)).isEqualTo("a {red|blue} fox");
    }

    @Test
    void wholeEpochsMayHaveNoCaptions() {
        CaptionRule rule = rule("empty-epochs", 2);
        SplittableRandom random = new SplittableRandom(6);
        assertThat(rule.apply("a fox", 0, 1, random)).isEqualTo("a fox");
        assertThat(rule.apply("a fox", 0, 2, random)).isEmpty();
    }
}
