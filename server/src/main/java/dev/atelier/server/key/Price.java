package dev.atelier.server.key;

import java.math.BigDecimal;

/**
 * What pictures cost, in units of 10⁻¹⁰ USD, in which Novita's price of a pixel and step, 4, is a whole number. The rules are
 * those that Novita published when it still charged by size and steps; a model makes no difference.
 */
public final class Price {
    /** The least that a picture costs: 0.0015 USD. */
    public static final long MINIMUM = 15_000_000;

    private static final long OF_PIXEL_AND_STEP = 4;
    // making larger counts as ten steps, for each time
    private static final double STEPS_OF_ENLARGING = 10;
    private static final BigDecimal UNITS_OF_USD = BigDecimal.TEN.pow(10);

    private Price() {}

    /** One picture. */
    public static long ofImage(int width, int height, int steps) {
        return Math.max(MINIMUM, drawing(width, height, steps));
    }

    /** One picture of {@code width} × {@code height} that is then drawn again, {@code scale} times as large. */
    public static long ofHiresImage(int width, int height, int steps, double scale) {
        return Math.max(MINIMUM, drawing(width, height, steps) + enlarging(width, height, scale));
    }

    /** Making one picture larger, from {@code width} × {@code height}. */
    public static long ofUpscaling(int width, int height, double scale) {
        return Math.max(MINIMUM, enlarging(width, height, scale));
    }

    /** Training: each step costs as much as drawing a step of all its pictures. */
    public static long ofTraining(int side, int steps, int batch) {
        return Math.max(MINIMUM, drawing(side, side, steps) * batch);
    }

    private static long drawing(int width, int height, int steps) {
        return OF_PIXEL_AND_STEP * width * height * steps;
    }

    private static long enlarging(int width, int height, double scale) {
        return Math.round(OF_PIXEL_AND_STEP * (double) width * height * scale * STEPS_OF_ENLARGING);
    }

    /** @throws ArithmeticException if it is too much, or not a whole number of units */
    public static long ofUsd(BigDecimal usd) {
        return usd.multiply(UNITS_OF_USD).longValueExact();
    }

    public static BigDecimal toUsd(long amount) {
        return BigDecimal.valueOf(amount, 10);
    }
}
