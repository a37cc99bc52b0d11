package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.Arrays;
import java.util.Comparator;

/**
 * Inpainting that fades into what is kept: AUTOMATIC1111's "Soft inpainting", under its names. A step keeps of a soft mask
 * what lies under it the more, the less noise there is; and the finished picture shows what was kept wherever hardly anything
 * has changed. Best with a wide mask blur.
 *
 * @param scheduleBias whether more is kept at the end (below 1) or at the beginning, 0 to 8
 * @param preservation how strongly what is partly masked is kept, 0 to 8
 * @param contrastBoost how much of the greater contrast of the two is kept where they mix, 1 to 32
 * @param maskInfluence how much the mask counts beside the change, for what the picture shows, 0 to 1
 * @param differenceThreshold which change shows half of each, 0 to 8
 * @param differenceContrast how sharp the way from one to the other is, 0 to 8
 */
public record SoftInpainting(
        double scheduleBias,
        double preservation,
        double contrastBoost,
        double maskInfluence,
        double differenceThreshold,
        double differenceContrast) {
    /** As in AUTOMATIC1111's web page. */
    public static final SoftInpainting DEFAULT = new SoftInpainting(1, 0.5, 4, 0, 0.5, 2);

    private static final int RADIUS = 2;
    private static final double VARIANCE = 2.25;
    private static final double TAPER = Math.exp(-(RADIUS + 1) * (RADIUS + 1) / VARIANCE);
    private static final int BLUR = 4;

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public SoftInpainting {
        requireWithin("schedule bias", scheduleBias, 0, 8);
        requireWithin("preservation strength", preservation, 0, 8);
        requireWithin("transition contrast boost", contrastBoost, 1, 32);
        requireWithin("mask influence", maskInfluence, 0, 1);
        requireWithin("difference threshold", differenceThreshold, 0, 8);
        requireWithin("difference contrast", differenceContrast, 0, 8);
    }

    private static void requireWithin(String name, double value, double min, double max) {
        if (!(value >= min && value <= max)) {
            throw new IllegalArgumentException(
                    "the %s of soft inpainting must be between %s and %s, but is %s".formatted(name, min, max, value));
        }
    }

    /**
     * What a step goes on with.
     *
     * @param kept latents, {@code [n, channels, h, w]}
     * @param latents the same of what is drawn
     * @param drawn the mask, of the same shape
     * @param sigma the noise level, or the timestep for samplers that go by such
     */
    FloatArray blend(FloatArray kept, FloatArray latents, FloatArray drawn, double sigma) {
        float exponent = (float) (Math.pow(sigma, scheduleBias) * preservation);
        FloatArray share = Latents.combine(drawn, drawn, (value, _) -> (float) Math.pow(value, exponent));
        FloatArray mixed = Latents.plus(
                Latents.combine(kept, share, (value, part) -> value * (1 - part)),
                1,
                Latents.combine(latents, share, (value, part) -> value * part));
        int channels = kept.size(1);
        int plane = kept.size(2) * kept.size(3);
        for (int cell = 0; cell < kept.size(0) * plane; cell++) {
            int start = cell / plane * channels * plane + cell % plane;
            double part = share.values()[start];
            double wanted = Math.pow(
                    Math.pow(length(kept, start, plane), contrastBoost) * (1 - part)
                            + Math.pow(length(latents, start, plane), contrastBoost) * part,
                    1 / contrastBoost);
            float scale = (float) (wanted / (length(mixed, start, plane) + 1e-5));
            for (int channel = 0; channel < channels; channel++) {
                mixed.values()[start + channel * plane] *= scale;
            }
        }
        return mixed;
    }

    /** Of the vector of a cell. */
    private static double length(FloatArray latents, int start, int plane) {
        double squares = 0;
        for (int channel = 0; channel < latents.size(1); channel++) {
            double value = latents.values()[start + channel * plane];
            squares += value * value;
        }
        return Math.sqrt(squares);
    }

    /**
     * Where a picture shows what was drawn: white there, black where it shows what was kept.
     *
     * @param kept latents, {@code [1, channels, h, w]}
     * @param latents the same of the finished picture
     * @param drawn the mask, of the same shape
     */
    Bitmap mask(FloatArray kept, FloatArray latents, FloatArray drawn, Size size) {
        Bitmap cells = cells(kept, latents, drawn);
        return Blur.boxes(ResizeMode.RESIZE_AND_FILL.resize(cells, size.width(), size.height()), BLUR);
    }

    /** The same for each latent cell. */
    Bitmap cells(FloatArray kept, FloatArray latents, FloatArray drawn) {
        int height = kept.size(2);
        int width = kept.size(3);
        FloatArray change = Latents.plus(latents, -1, kept);
        double[] distances = new double[height * width];
        Arrays.setAll(distances, cell -> length(change, cell, height * width));
        double[] seen = quantiles(quantiles(distances, height, width, 0.9, 1), height, width, 0.25, 0.75);
        int[] levels = new int[height * width];
        for (int cell = 0; cell < levels.length; cell++) {
            double masked = 1 - Math.pow(Math.clamp(drawn.values()[cell], 0, 1), preservation / 2);
            double influenced = 0.5 * (1 - maskInfluence) + masked * maskInfluence;
            double half = differenceThreshold * influenced / (1.00001 - influenced);
            double x = 1 / (1 + Math.pow(seen[cell] / half, differenceContrast));
            levels[cell] = (int) (255 * (1 - x * x * x * (x * (6 * x - 15) + 10)));
        }
        return new Bitmap(1, height, width, levels);
    }

    /**
     * At each cell, the weighted mean of what lies between two quantiles of its surroundings, but of a weight of at least 1;
     * what is near weighs more.
     */
    private static double[] quantiles(double[] values, int height, int width, double from, double to) {
        double[] filtered = new double[values.length];
        for (int cell = 0; cell < values.length; cell++) {
            filtered[cell] = quantile(values, height, width, cell / width, cell % width, from, to);
        }
        return filtered;
    }

    private static double quantile(
            double[] values, int height, int width, int row, int column, double from, double to) {
        record Weighted(double value, double weight) {}
        Weighted[] around = new Weighted[(2 * RADIUS + 1) * (2 * RADIUS + 1)];
        int count = 0;
        double sum = 0;
        for (int y = Math.max(0, row - RADIUS); y <= Math.min(height - 1, row + RADIUS); y++) {
            for (int x = Math.max(0, column - RADIUS); x <= Math.min(width - 1, column + RADIUS); x++) {
                int square = (y - row) * (y - row) + (x - column) * (x - column);
                double weight = (Math.exp(-square / VARIANCE) - TAPER) / (1 - TAPER);
                around[count++] = new Weighted(values[y * width + x], weight);
                sum += weight;
            }
        }
        Arrays.sort(around, 0, count, Comparator.comparingDouble(Weighted::value));
        double low = sum * from;
        double high = sum * to;
        if (high - low < 1) {
            low = Math.clamp((low + high - 1) / 2, 0, sum - 1);
            high = low + 1;
        }
        double mean = 0;
        double end = 0;
        for (int i = 0; i < count; i++) {
            double start = end;
            end += around[i].weight;
            mean += around[i].value * Math.max(0, Math.min(high, end) - Math.max(low, start));
        }
        return mean / (high - low);
    }
}
