package dev.atelier.training.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CaptionRuleTest {
    private static final String CAPTION = "sks girl, red hair, blue eyes, smile";

    @Test
    void tagsChangePlacesButThoseThatAreKept() {
        CaptionRule rule = new CaptionRule("", "", true, 1, 0, 0);
        SplittableRandom random = new SplittableRandom(1);
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 200; i++) {
            seen.add(rule.apply(CAPTION, random));
        }
        assertThat(seen).hasSize(6).allMatch(caption -> caption.startsWith("sks girl, "));
    }

    @Test
    void captionsAndTagsAreLeftOutAsOftenAsAskedFor() {
        SplittableRandom random = new SplittableRandom(2);
        int empty = 0;
        int tags = 0;
        for (int i = 0; i < 2000; i++) {
            empty += new CaptionRule("", "", false, 0, 0, 0.25)
                            .apply(CAPTION, random)
                            .isEmpty()
                    ? 1
                    : 0;
            tags += new CaptionRule("", "", false, 1, 0.5, 0)
                    .apply(CAPTION, random)
                    .split(", ")
                    .length;
        }
        assertThat(empty).isBetween(400, 600);
        assertThat(tags).isBetween(4800, 5200);
    }

    @Test
    void whatStandsBeforeAndBehindIsAPartOfTheCaption() {
        CaptionRule rule = new CaptionRule("photo of", "in oil", false, 0, 0, 0);
        assertThat(rule.apply("a fox", new SplittableRandom(3))).isEqualTo("photo of a fox in oil");
        assertThat(rule.plain("")).isEqualTo("photo of in oil");
        assertThat(rule.isFixed()).isTrue();
    }
}
