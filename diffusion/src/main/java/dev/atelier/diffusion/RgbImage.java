package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.awt.image.BufferedImage;

/** From the VAE's numbers to pixels. */
final class RgbImage {
    private RgbImage() {}

    /**
     * Clamped to [-1, 1] and stretched to [0, 255]; fractions are cut off, not rounded, as in AUTOMATIC1111.
     *
     * @param decoded {@code [1, 3, height, width]}
     */
    static BufferedImage of(FloatArray decoded) {
        int height = decoded.size(2);
        int width = decoded.size(3);
        int plane = height * width;
        float[] values = decoded.values();
        int[] pixels = new int[plane];
        for (int i = 0; i < plane; i++) {
            pixels[i] = level(values[i]) << 16 | level(values[plane + i]) << 8 | level(values[2 * plane + i]);
        }
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, width, height, pixels, 0, width);
        return image;
    }

    private static int level(float value) {
        return (int) (Math.clamp((value + 1) / 2, 0f, 1f) * 255);
    }
}
