package dev.atelier.diffusion;

/**
 * Hears how far a generation has come. Whatever it throws, such as {@link java.util.concurrent.CancellationException},
 * ends the generation and reaches the caller.
 */
@FunctionalInterface
public interface GenerationListener {

    /** The parts of a generation, in order. */
    enum Phase {
        /** Prompts through the text encoder: a unit is a prompt. */
        ENCODING,
        /** Noise to latents: a unit is a step of the sampler, for all images of the batch together. */
        SAMPLING,
        /** Latents to pixels: a unit is an image. */
        DECODING
    }

    /** {@code done} of {@code total} units of {@code phase} are finished; each phase is announced with 0. */
    void progress(Phase phase, int done, int total);
}
