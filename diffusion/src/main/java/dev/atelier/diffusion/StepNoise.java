package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/** Where a sampler that adds noise on its way takes it from. */
@FunctionalInterface
interface StepNoise {
    /** For a sampler that adds none: to ask is an error. */
    StepNoise NONE = (sigma, next) -> {
        throw new IllegalStateException("noise is needed on the way from %s to %s".formatted(sigma, next));
    };

    /** Unit normal noise of the shape of the latents, for the way from one noise level to another. */
    FloatArray between(float sigma, float next);
}
