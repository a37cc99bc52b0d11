package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.awt.image.BufferedImage;

/**
 * Which part of a picture a network sees: the picture is resized with Lanczos' filter, as Pillow does it, and cut.
 *
 * @param resizedWidth of the whole picture, in pixels
 * @param left where the part begins in the resized picture
 * @param width of the part
 * @param mirrored whether left and right are exchanged afterwards
 */
public record PicturePart(
        int resizedWidth, int resizedHeight, int left, int top, int width, int height, boolean mirrored) {

    /** The same part, left and right exchanged. */
    public PicturePart mirror() {
        return new PicturePart(resizedWidth, resizedHeight, left, top, width, height, !mirrored);
    }

    /** The part's colours, {@code [1, 3, height, width]} in [-1, 1]. What is transparent lies on white. */
    public FloatArray colors(BufferedImage image) {
        return cut(onWhite(Bitmap.rgba(image))).toFloats();
    }

    /** How light the part is, {@code [1, 1, height, width]} in [0, 1]. */
    public FloatArray lightness(BufferedImage image) {
        return share(cut(onWhite(Bitmap.rgba(image)).luma()));
    }

    /** How opaque the part is, {@code [1, 1, height, width]} in [0, 1]. */
    public FloatArray opacity(BufferedImage image) {
        return share(cut(Bitmap.rgba(image).channel(3)));
    }

    private FloatArray share(Bitmap levels) {
        float[] values = new float[levels.levels().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = levels.levels()[i] / (float) Bitmap.WHITE;
        }
        return FloatArray.of(values, 1, 1, height, width);
    }

    private static Bitmap onWhite(Bitmap rgba) {
        int plane = rgba.levels().length / 4;
        Bitmap rgb = rgba.rgb();
        for (int i = 0; i < rgb.levels().length; i++) {
            int alpha = rgba.levels()[3 * plane + i % plane];
            rgb.levels()[i] = (rgb.levels()[i] * alpha + Bitmap.WHITE * (Bitmap.WHITE - alpha) + 127) / Bitmap.WHITE;
        }
        return rgb;
    }

    private Bitmap cut(Bitmap image) {
        Bitmap resized = Resampling.LANCZOS.resize(image, resizedWidth, resizedHeight);
        Bitmap part = resized.crop(left, top, width, height);
        return mirrored ? mirrored(part) : part;
    }

    private static Bitmap mirrored(Bitmap image) {
        Bitmap mirrored = Bitmap.blank(image.channels(), image.width(), image.height());
        int width = image.width();
        for (int i = 0; i < image.levels().length; i++) {
            mirrored.levels()[i - i % width + width - 1 - i % width] = image.levels()[i];
        }
        return mirrored;
    }
}
