package dev.atelier.diffusion;

import dev.atelier.model.UNetConditioning;

/** What guides a run, and what it is guided away from. */
record Prompts(Conditioning conditional, Timeline<UNetConditioning> unconditional) {
    boolean areEquallyLong() {
        return conditional.tokens() == unconditional.at(0).context().size(1);
    }
}
