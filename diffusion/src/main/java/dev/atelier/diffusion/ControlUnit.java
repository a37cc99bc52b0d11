package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import java.util.List;
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
 * @param region where it controls: fully where this is white, not at all where it is black; of any size, null for everywhere
 * @param thresholds of the extraction, none to two: AUTOMATIC1111's {@code threshold_a} and {@code threshold_b}
 * @param layers the strength of each of its outputs, in place of {@code weight} and what {@code mode} makes of it, as many
 *     as the ControlNet has (13 for Stable Diffusion 1.x); none for those
 */
public record ControlUnit(
        String net,
        @Nullable BufferedImage picture,
        Extraction extraction,
        double weight,
        double start,
        double end,
        ControlMode mode,
        ResizeMode resizeMode,
        @Nullable BufferedImage region,
        List<Double> layers,
        ControlPasses passes,
        List<Double> thresholds) {

    /** @throws IllegalArgumentException if a number is out of range */
    public ControlUnit {
        layers = List.copyOf(layers);
        thresholds = List.copyOf(thresholds);
        if (thresholds.stream().anyMatch(value -> !(value >= 0 && value <= 1000))) {
            throw new IllegalArgumentException("thresholds must be between 0 and 1000, but are " + thresholds);
        }
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
                net,
                picture,
                Extraction.NONE,
                1,
                0,
                1,
                ControlMode.BALANCED,
                ResizeMode.CROP_AND_RESIZE,
                null,
                List.of(),
                ControlPasses.BOTH,
                List.of());
    }

    public ControlUnit extraction(Extraction value) {
        return new ControlUnit(
                net, picture, value, weight, start, end, mode, resizeMode, region, layers, passes, thresholds);
    }

    public ControlUnit weight(double value) {
        return new ControlUnit(
                net, picture, extraction, value, start, end, mode, resizeMode, region, layers, passes, thresholds);
    }

    /** The share of the steps between which it controls. */
    public ControlUnit between(double from, double to) {
        return new ControlUnit(
                net, picture, extraction, weight, from, to, mode, resizeMode, region, layers, passes, thresholds);
    }

    public ControlUnit mode(ControlMode value) {
        return new ControlUnit(
                net, picture, extraction, weight, start, end, value, resizeMode, region, layers, passes, thresholds);
    }

    public ControlUnit resizeMode(ResizeMode value) {
        return new ControlUnit(
                net, picture, extraction, weight, start, end, mode, value, region, layers, passes, thresholds);
    }

    /** Where it controls. */
    public ControlUnit region(@Nullable BufferedImage value) {
        return new ControlUnit(
                net, picture, extraction, weight, start, end, mode, resizeMode, value, layers, passes, thresholds);
    }

    /** The strength of each of its outputs. */
    public ControlUnit layers(List<Double> value) {
        return new ControlUnit(
                net, picture, extraction, weight, start, end, mode, resizeMode, region, value, passes, thresholds);
    }

    public ControlUnit passes(ControlPasses value) {
        return new ControlUnit(
                net, picture, extraction, weight, start, end, mode, resizeMode, region, layers, value, thresholds);
    }

    /** Those of the extraction. */
    public ControlUnit thresholds(List<Double> value) {
        return new ControlUnit(
                net, picture, extraction, weight, start, end, mode, resizeMode, region, layers, passes, value);
    }

    ControlUnit picture(BufferedImage value) {
        return new ControlUnit(
                net, value, extraction, weight, start, end, mode, resizeMode, region, layers, passes, thresholds);
    }
}
