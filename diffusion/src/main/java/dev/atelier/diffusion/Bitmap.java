package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.awt.image.BufferedImage;
import java.util.function.IntUnaryOperator;

/**
 * A picture of 8 bits a channel for computing with: one channel (a mask), three (red, green, blue) or four (and alpha).
 *
 * @param levels row by row, one channel after the other
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Bitmap(int channels, int height, int width, int[] levels) {
    static final int WHITE = 255;

    Bitmap {
        if (levels.length != channels * height * width) {
            throw new IllegalArgumentException(
                    "%d levels in %d channels of %d × %d".formatted(levels.length, channels, width, height));
        }
    }

    /** Black, and transparent if there is an alpha channel. */
    static Bitmap blank(int channels, int width, int height) {
        return new Bitmap(channels, height, width, new int[channels * height * width]);
    }

    /** With its alpha channel, opaque if the picture has none. */
    static Bitmap rgba(BufferedImage image) {
        int width = image.getWidth();
        int height = image.getHeight();
        int[] pixels = image.getRGB(0, 0, width, height, null, 0, width);
        int[] levels = new int[4 * pixels.length];
        for (int i = 0; i < pixels.length; i++) {
            levels[i] = pixels[i] >> 16 & 0xFF;
            levels[pixels.length + i] = pixels[i] >> 8 & 0xFF;
            levels[2 * pixels.length + i] = pixels[i] & 0xFF;
            levels[3 * pixels.length + i] = pixels[i] >>> 24;
        }
        return new Bitmap(4, height, width, levels);
    }

    /** What {@link RgbImage} makes of numbers in [-1, 1], {@code [1, 3, height, width]}. */
    static Bitmap rgb(FloatArray decoded) {
        return rgba(RgbImage.of(decoded)).rgb();
    }

    Size size() {
        return new Size(width, height);
    }

    private int plane() {
        return height * width;
    }

    int level(int channel, int x, int y) {
        return levels[(channel * height + y) * width + x];
    }

    Bitmap channel(int channel) {
        int[] plane = new int[plane()];
        System.arraycopy(levels, channel * plane(), plane, 0, plane());
        return new Bitmap(1, height, width, plane);
    }

    /** Without the alpha channel, whatever it says. */
    Bitmap rgb() {
        int[] colors = new int[3 * plane()];
        System.arraycopy(levels, 0, colors, 0, colors.length);
        return new Bitmap(3, height, width, colors);
    }

    Bitmap map(IntUnaryOperator change) {
        int[] changed = new int[levels.length];
        for (int i = 0; i < changed.length; i++) {
            changed[i] = change.applyAsInt(levels[i]);
        }
        return new Bitmap(channels, height, width, changed);
    }

    Bitmap inverted() {
        return map(level -> WHITE - level);
    }

    /** ITU-R 601 luma, as Pillow rounds it. */
    Bitmap luma() {
        int[] luma = new int[plane()];
        for (int i = 0; i < luma.length; i++) {
            luma[i] = (levels[i] * 19595 + levels[plane() + i] * 38470 + levels[2 * plane() + i] * 7471 + 0x8000) >> 16;
        }
        return new Bitmap(1, height, width, luma);
    }

    Bitmap crop(int left, int top, int width, int height) {
        return blank(channels, width, height).paste(this, -left, -top);
    }

    /** This picture with another in it, of which what lies outside is cut off. */
    Bitmap paste(Bitmap other, int left, int top) {
        int[] pasted = levels.clone();
        int from = Math.max(0, -left);
        int count = Math.min(other.width, width - left) - from;
        for (int channel = 0; channel < channels && count > 0; channel++) {
            for (int y = Math.max(0, -top); y < Math.min(other.height, height - top); y++) {
                System.arraycopy(
                        other.levels,
                        (channel * other.height + y) * other.width + from,
                        pasted,
                        (channel * height + top + y) * width + left + from,
                        count);
            }
        }
        return new Bitmap(channels, height, width, pasted);
    }

    /** {@code [1, channels, height, width]}, black being -1 and white 1. */
    FloatArray toFloats() {
        float[] values = new float[levels.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = levels[i] / 255f * 2 - 1;
        }
        return FloatArray.of(values, 1, channels, height, width);
    }

    /** Three channels as an RGB picture. */
    BufferedImage toImage() {
        int[] pixels = new int[plane()];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = levels[i] << 16 | levels[plane() + i] << 8 | levels[2 * plane() + i];
        }
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, width, height, pixels, 0, width);
        return image;
    }
}
