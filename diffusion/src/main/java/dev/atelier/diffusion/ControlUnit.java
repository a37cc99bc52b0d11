package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import org.jspecify.annotations.Nullable;

/**
 * A picture by which a ControlNet controls a run. Immutable; each setting has a method that gives a unit with another value.
 *
 * @param net the name of the ControlNet, or its path
 * @param picture null for the one that the run starts from
 * @param extraction what is made of the picture before the ControlNet sees it
 * @param weight how strongly it controls, 0 to 2
 * @param start at which share of the steps it begins, 0 to 1
 * @param end at which share of the steps it ends, 0 to 1
 * @param resizeMode how the picture gets the size that is drawn
 */
public record ControlUnit(
        String net,
        @Nullable BufferedImage picture,
        Extraction extraction,
        double weight,
        double start,
        double end,
        ControlMode mode,
        ResizeMode resizeMode) {

    /** @throws IllegalArgumentException if a number is out of range */
    public ControlUnit {
        if (!(weight >= 0 && weight <= 2)) {
            throw new IllegalArgumentException("the weight of a ControlNet must be between 0 and 2, but is " + weight);
        }
        if (!(start >= 0 && start <= end && end <= 1)) {
            throw new IllegalArgumentException(
                    "a ControlNet must begin and end between 0 and 1, and not the other way round: %s, %s"
                            .formatted(start, end));
        }
    }

    /** A ControlNet at full strength throughout, which is shown the picture as it is. */
    public static ControlUnit of(String net, @Nullable BufferedImage picture) {
        return new ControlUnit(
                net, picture, Extraction.NONE, 1, 0, 1, ControlMode.BALANCED, ResizeMode.CROP_AND_RESIZE);
    }

    public ControlUnit extraction(Extraction value) {
        return new ControlUnit(net, picture, value, weight, start, end, mode, resizeMode);
    }

    public ControlUnit weight(double value) {
        return new ControlUnit(net, picture, extraction, value, start, end, mode, resizeMode);
    }

    /** The share of the steps between which it controls. */
    public ControlUnit between(double from, double to) {
        return new ControlUnit(net, picture, extraction, weight, from, to, mode, resizeMode);
    }

    public ControlUnit mode(ControlMode value) {
        return new ControlUnit(net, picture, extraction, weight, start, end, value, resizeMode);
    }

    public ControlUnit resizeMode(ResizeMode value) {
        return new ControlUnit(net, picture, extraction, weight, start, end, mode, value);
    }

    ControlUnit picture(BufferedImage value) {
        return new ControlUnit(net, value, extraction, weight, start, end, mode, resizeMode);
    }
}
