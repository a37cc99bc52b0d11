package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * How prompt and negative prompt of unequal length become equally long, so that both go through the network in one batch.
 * It changes the picture.
 */
public enum PromptPadding {
    /** Not at all. */
    NONE,

    /** An empty prompt follows the shorter one, as often as it takes: AUTOMATIC1111's "Pad prompt/negative prompt". */
    EMPTY,

    /**
     * The negative prompt becomes as long as the prompt: its last token is repeated, or what is too much cut off.
     * AUTOMATIC1111's "Pad prompt/negative prompt (v0)".
     */
    LAST;

    /**
     * Both prompts, equally long.
     *
     * @param empty an encoded empty prompt for each image, {@code [images, 77, width]}
     */
    Prompts pad(Prompts prompts, FloatArray empty) {
        int longest = prompts.conditional().tokens();
        int negative = prompts.unconditional().at(0).context().size(1);
        return switch (this) {
            case NONE -> prompts;
            case EMPTY ->
                new Prompts(
                        prompts.conditional()
                                .map(context -> followed(Conditioning.resized(context, longest), empty, negative)),
                        prompts.unconditional().map(one -> one.withContext(followed(one.context(), empty, longest))));
            case LAST ->
                new Prompts(
                        prompts.conditional(),
                        prompts.unconditional()
                                .map(one -> one.withContext(Conditioning.resized(one.context(), longest))));
        };
    }

    /** A context of at least so many tokens. */
    private static FloatArray followed(FloatArray context, FloatArray empty, int tokens) {
        int have = context.size(1);
        int width = context.size(2);
        FloatArray longer = Conditioning.resized(context, Math.max(have, tokens));
        for (int row = 0; row < context.size(0); row++) {
            for (int token = have; token < tokens; token += empty.size(1)) {
                System.arraycopy(
                        empty.values(),
                        row * empty.size(1) * width,
                        longer.values(),
                        (row * tokens + token) * width,
                        empty.size(1) * width);
            }
        }
        return longer;
    }
}
