package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import java.util.List;
import java.util.function.Supplier;

/**
 * Hears how far a generation has come. Whatever it throws, such as {@link java.util.concurrent.CancellationException},
 * ends the generation and reaches the caller.
 */
@FunctionalInterface
public interface GenerationListener {

    /** The parts of a generation. With several batches, those after the first take turns. */
    enum Phase {
        /** Prompts through the text encoder: a unit is a prompt. */
        ENCODING,
        /** Noise to latents: a unit is a step of the sampler, for all pictures of a batch together. */
        SAMPLING,
        /** Pixels to more of them by a network: a unit is a tile. */
        UPSCALING,
        /** Latents to pixels: a unit is a picture. */
        DECODING
    }

    /** How a generation goes on after a step. */
    enum Course {
        CONTINUE,
        /** The batch is finished as it is, AUTOMATIC1111's "Skip"; the next one begins. */
        SKIP,
        /** The batch is finished as it is, AUTOMATIC1111's "Interrupt"; no other begins. */
        STOP
    }

    /** {@code done} of {@code total} units of {@code phase}, over all batches and passes; each is announced with 0. */
    void progress(Phase phase, int done, int total);

    /** Something that the user should know and that is no reason to stop, such as a LoRA that is not there; a sentence. */
    default void note(String text) {}

    /**
     * Called after each step of the sampler.
     *
     * @param pictures what the pictures of the batch look like so far, an eighth of their size, or as large if a tiny
     *     decoder is there; made when it is asked for
     * @return {@link Course#CONTINUE} unless the generation is to end early
     */
    default Course step(Supplier<List<BufferedImage>> pictures) {
        return Course.CONTINUE;
    }
}
