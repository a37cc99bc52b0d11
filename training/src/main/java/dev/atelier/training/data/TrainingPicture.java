package dev.atelier.training.data;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A picture to learn from.
 *
 * @param width in pixels, as one sees it: a camera's note of which way is up has been heeded
 * @param caption what it shows, one line or several to choose from; empty if nothing says
 * @param rule how its caption changes from one use to the next
 * @param repeats how often an epoch has it
 * @param mask a picture that is white where this one counts; null if there is none
 */
public record TrainingPicture(
        Path file,
        int width,
        int height,
        String caption,
        CaptionRule rule,
        int repeats,
        @Nullable Path mask) {
    /** The same, seen so many times as often, with a caption that changes by another rule. */
    public TrainingPicture with(int times, CaptionRule other) {
        return new TrainingPicture(file, width, height, caption, other, repeats * times, mask);
    }

    /** Its caption when nothing is left to chance. */
    public String plainCaption() {
        return rule.plain(caption);
    }
}
