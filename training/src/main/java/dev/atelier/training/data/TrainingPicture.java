package dev.atelier.training.data;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A picture to learn from.
 *
 * @param width in pixels, as one sees it: a camera's note of which way is up has been heeded
 * @param caption what it shows; empty if nothing says
 * @param repeats how often an epoch has it
 * @param mask a picture that is white where this one counts; null if there is none
 */
public record TrainingPicture(
        Path file,
        int width,
        int height,
        String caption,
        int repeats,
        @Nullable Path mask) {
    /** The same, seen so many times as often. */
    public TrainingPicture repeated(int times) {
        return new TrainingPicture(file, width, height, caption, repeats * times, mask);
    }
}
