package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import org.junit.jupiter.api.Test;

/** What AUTOMATIC1111's {@code CFGDenoiser} makes of a long and a short prompt; its windows have two tokens here. */
class PromptPaddingTest {
    private static final FloatArray EMPTY = FloatArray.of(new float[] {8, 9}, 1, 2, 1);
    private static final float[] LONG = {1, 2, 3, 4, 5, 6};
    private static final float[] SHORT = {-1, -2};

    private static Prompts padded(PromptPadding padding, float[] prompt, float[] negative) {
        return padding.pad(
                new Prompts(Conditioning.of(conditioning(prompt)), Timeline.always(conditioning(negative))), EMPTY);
    }

    private static UNetConditioning conditioning(float... tokens) {
        return UNetConditioning.of(FloatArray.of(tokens, 1, tokens.length, 1));
    }

    private static float[] prompt(Prompts prompts) {
        return prompts.conditional().at(0).getFirst().context().values();
    }

    private static float[] negative(Prompts prompts) {
        return prompts.unconditional().at(0).context().values();
    }

    @Test
    void emptyPromptsFollowTheShorterOne() {
        Prompts prompts = padded(PromptPadding.EMPTY, LONG, SHORT);
        assertThat(prompt(prompts)).containsExactly(LONG);
        assertThat(negative(prompts)).containsExactly(-1, -2, 8, 9, 8, 9);
        prompts = padded(PromptPadding.EMPTY, SHORT, LONG);
        assertThat(prompt(prompts)).containsExactly(-1, -2, 8, 9, 8, 9);
        assertThat(negative(prompts)).containsExactly(LONG);
    }

    @Test
    void theNegativePromptBecomesAsLongAsThePrompt() {
        Prompts prompts = padded(PromptPadding.LAST, LONG, SHORT);
        assertThat(prompt(prompts)).containsExactly(LONG);
        assertThat(negative(prompts)).containsExactly(-1, -2, -2, -2, -2, -2);
        prompts = padded(PromptPadding.LAST, SHORT, LONG);
        assertThat(prompt(prompts)).containsExactly(SHORT);
        assertThat(negative(prompts)).containsExactly(1, 2);
    }
}
