package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class TaggedPromptTest {
    @Test
    void tagsAreTakenOutAndNothingElse() {
        TaggedPrompt prompt = TaggedPrompt.of("a cat <lora:style:0.6>, <lyco:a b:1:unet=0.5> x < y <3");
        assertThat(prompt.text()).isEqualTo("a cat ,  x < y <3");
        assertThat(prompt.tags())
                .containsExactly(
                        new PromptTag("lora", List.of("style", "0.6"), Map.of()),
                        new PromptTag("lyco", List.of("a b", "1"), Map.of("unet", "0.5")));
    }

    @Test
    @Timeout(10)
    void tagsWithoutAnEndAreText() {
        String prompt = "<lora:".repeat(50_000);
        assertThat(TaggedPrompt.of(prompt).text()).isEqualTo(prompt);
        assertThat(TaggedPrompt.of("<lora:a:1>" + prompt).text()).isEqualTo(prompt);
    }

    @Test
    void aNamedArgumentCountsMoreThanItsPlace() {
        PromptTag tag = PromptTag.of("lora", "style:0.6:0.7:te=0.1:a=b=c");
        assertThat(tag.argument(1, "te")).contains("0.1");
        assertThat(tag.argument(2, "unet")).contains("0.7");
        assertThat(tag.argument(3, "dyn")).contains("a=b=c");
        assertThat(tag.argument(4, "x")).isEmpty();
    }
}
