package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import dev.atelier.model.UpscalingNetwork;
import java.awt.image.BufferedImage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes finished pictures larger, level for level as AUTOMATIC1111 does: a network sees them in tiles, is run up to three
 * times, and what is too large then is resized by Lanczos.
 */
public final class Upscaling {
    private static final int CELL = 8;
    private static final int TILE = 192;
    private static final int OVERLAP = 8;
    private static final int MOST_PASSES = 3;
    private static final long MAX_PIXELS = 100_000_000;

    /** Hears how far a network has come with a picture. What it throws ends the work and reaches the caller. */
    public interface Tiles {
        void update(int done, int total);
    }

    private final Upscaler upscaler;
    private final @Nullable UpscalingNetwork network;
    private final Tiles tiles;

    private Upscaling(Upscaler upscaler, @Nullable UpscalingNetwork network, Tiles tiles) {
        this.upscaler = upscaler;
        this.network = network;
        this.tiles = tiles;
    }

    /**
     * @param networks those there are, by name; asked if {@code upscaler} is one
     * @throws IllegalArgumentException if the upscaler works on latents, or is a network that is not there
     */
    public static Upscaling of(Upscaler upscaler, Function<String, UpscalingNetwork> networks, Tiles tiles) {
        if (upscaler.isLatent()) {
            throw new IllegalArgumentException(
                    "the upscaler \"%s\" takes no finished picture".formatted(upscaler.label()));
        }
        return new Upscaling(upscaler, upscaler.isNetwork() ? networks.apply(upscaler.label()) : null, tiles);
    }

    /**
     * A picture {@code factor} times as large, its sides cut to multiples of 8.
     *
     * @throws IllegalArgumentException if it would have more than 100 million pixels on the way
     */
    public BufferedImage by(BufferedImage image, double factor) {
        return by(Bitmap.rgba(image).rgb(), factor).toImage();
    }

    /** A picture of that size, whatever its proportions were. */
    public BufferedImage to(BufferedImage image, int width, int height) {
        return to(Bitmap.rgba(image).rgb(), width, height).toImage();
    }

    Bitmap to(Bitmap image, int width, int height) {
        double factor = Math.max((double) width / image.width(), (double) height / image.height());
        Bitmap large = factor > 1 ? by(image, factor) : image;
        return resized(large, width, height);
    }

    Bitmap by(Bitmap image, double factor) {
        if (upscaler.equals(Upscaler.NONE)) {
            return image;
        }
        int width = cells(image.width() * factor);
        int height = cells(image.height() * factor);
        Bitmap large = network == null
                ? resampling().resize(image, side(image.width() * factor), side(image.height() * factor))
                : through(network, image, width, height, factor == 1);
        return resized(large, width, height);
    }

    private Resampling resampling() {
        return upscaler.equals(Upscaler.NEAREST) ? Resampling.NEAREST : Resampling.LANCZOS;
    }

    private static Bitmap resized(Bitmap image, int width, int height) {
        return Resampling.LANCZOS.resize(image, width, height);
    }

    private static int side(double pixels) {
        return Math.max(1, (int) pixels);
    }

    private static int cells(double pixels) {
        return Math.max(CELL, ((int) pixels) / CELL * CELL);
    }

    private Bitmap through(UpscalingNetwork network, Bitmap image, int width, int height, boolean always) {
        int passes = passes(network.scale(), image, width, height, always);
        int total = 0;
        for (int pass = 0, side = 1; pass < passes; pass++, side *= network.scale()) {
            total += grid(image.width() * side, image.height() * side).count();
        }
        Bitmap large = image;
        int done = 0;
        tiles.update(done, total);
        for (int pass = 0; pass < passes; pass++) {
            requireSmall(large, network.scale());
            TileGrid grid = grid(large.width(), large.height());
            TileGrid.Canvas canvas = grid.canvas(network.scale());
            for (Bitmap tile : grid.cut(large)) {
                canvas.add(bitmap(network.enlarge(floats(tile))));
                done++;
                tiles.update(done, total);
            }
            large = canvas.picture();
        }
        return large;
    }

    private static TileGrid grid(int width, int height) {
        return new TileGrid(new Size(width, height), new Size(TILE, TILE), OVERLAP);
    }

    private static int passes(int scale, Bitmap image, int width, int height, boolean always) {
        long wide = image.width();
        long high = image.height();
        int passes = 0;
        while (passes < MOST_PASSES && (wide < width || high < height || (passes == 0 && always))) {
            passes++;
            wide *= scale;
            high *= scale;
            if (scale == 1) {
                break;
            }
        }
        return passes;
    }

    private static void requireSmall(Bitmap image, int scale) {
        long pixels = (long) image.width() * scale * image.height() * scale;
        if (pixels > MAX_PIXELS) {
            throw new IllegalArgumentException("the network would make a picture of %d pixels; at most %d are drawn"
                    .formatted(pixels, MAX_PIXELS));
        }
    }

    /** From 0 to 1, blue first: so AUTOMATIC1111 shows them to all networks. */
    private static FloatArray floats(Bitmap tile) {
        int plane = tile.height() * tile.width();
        float[] values = new float[3 * plane];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (tile.levels()[(2 - i / plane) * plane + i % plane] / 255.0);
        }
        return FloatArray.of(values, 1, 3, tile.height(), tile.width());
    }

    private static Bitmap bitmap(FloatArray values) {
        int plane = values.size(2) * values.size(3);
        int[] levels = new int[3 * plane];
        for (int i = 0; i < levels.length; i++) {
            float value = values.values()[(2 - i / plane) * plane + i % plane];
            levels[i] = (int) Math.rint(255 * Math.clamp(value, 0f, 1f));
        }
        return new Bitmap(3, values.size(2), values.size(3), levels);
    }
}
