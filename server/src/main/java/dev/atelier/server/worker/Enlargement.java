package dev.atelier.server.worker;

import dev.atelier.diffusion.Upscaler;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import org.jspecify.annotations.Nullable;

/**
 * Makes finished pictures larger, as AUTOMATIC1111's tab Extras does.
 *
 * @param first the label of an {@link Upscaler}; "None" leaves the picture as it is
 * @param second another one, whose picture is laid over; null for none
 * @param visibility of the second, 0 to 1
 * @param factor 0 where {@code width} and {@code height} say what is wanted
 * @param crop whether what goes beyond that size is cut off
 */
public record Enlargement(
        String first, @Nullable String second, double visibility, double factor, int width, int height, boolean crop) {
    private static final int CELL = 8;
    private static final long MAX_PIXELS = 100_000_000;

    public static Enlargement by(String upscaler, double factor) {
        return new Enlargement(upscaler, null, 0, factor, 0, 0, false);
    }

    /** @throws IllegalArgumentException if there is no such upscaler, or it works on latents */
    public Enlargement {
        var _ = upscaler(first);
        if (second != null) {
            var _ = upscaler(second);
        }
    }

    private static Upscaler upscaler(String name) {
        try {
            Upscaler upscaler = Upscaler.named(name);
            if (!upscaler.isLatent()) {
                return upscaler;
            }
        } catch (IllegalArgumentException _) {
            // said below
        }
        throw new IllegalArgumentException("could not find upscaler named " + name);
    }

    private boolean isToSize() {
        return factor == 0;
    }

    /** By how much a picture of this size is made larger. */
    public double factorOf(int imageWidth, int imageHeight) {
        return isToSize() ? Math.max((double) width / imageWidth, (double) height / imageHeight) : factor;
    }

    /** What is done, as AUTOMATIC1111 writes it beside the picture; "" for nothing. */
    public String description() {
        if (upscaler(first) == Upscaler.NONE) {
            return "";
        }
        String size = isToSize() ? "to: %dx%d".formatted(width, height) : "by: %s".formatted(factor);
        return "Postprocess upscale %s, Postprocess upscaler: %s".formatted(size, first);
    }

    /** @throws IllegalArgumentException if a picture of this size would become too large */
    public void requireFits(int imageWidth, int imageHeight) {
        if (upscaler(first) == Upscaler.NONE) {
            return;
        }
        double scale = factorOf(imageWidth, imageHeight);
        double pixels = imageWidth * scale * imageHeight * scale;
        if (!(scale > 0 && pixels <= MAX_PIXELS)) {
            throw new IllegalArgumentException(
                    "the picture would have %.0f pixels; at most %d are drawn".formatted(pixels, MAX_PIXELS));
        }
    }

    /** @throws IllegalArgumentException if it would become too large */
    public BufferedImage apply(BufferedImage image) {
        requireFits(image.getWidth(), image.getHeight());
        Upscaler upscaler = upscaler(first);
        if (upscaler == Upscaler.NONE) {
            return image;
        }
        BufferedImage large = enlarged(image, upscaler);
        Upscaler other = second == null ? Upscaler.NONE : upscaler(second);
        return other == Upscaler.NONE || visibility <= 0
                ? large
                : blend(large, enlarged(image, other), Math.min(1, visibility));
    }

    private BufferedImage enlarged(BufferedImage image, Upscaler upscaler) {
        double scale = factorOf(image.getWidth(), image.getHeight());
        int wide = Math.max(1, (int) (image.getWidth() * scale));
        int high = Math.max(1, (int) (image.getHeight() * scale));
        BufferedImage large = upscaler.resize(image, wide, high);
        int wholeWidth = Math.max(CELL, wide / CELL * CELL); // as AUTOMATIC1111 leaves it
        int wholeHeight = Math.max(CELL, high / CELL * CELL);
        if (wholeWidth != wide || wholeHeight != high) {
            large = Upscaler.LANCZOS.resize(large, wholeWidth, wholeHeight);
        }
        return isToSize() && crop ? cropped(large) : large;
    }

    private BufferedImage cropped(BufferedImage image) {
        BufferedImage canvas = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = canvas.createGraphics();
        graphics.drawImage(image, width / 2 - image.getWidth() / 2, height / 2 - image.getHeight() / 2, null);
        graphics.dispose();
        return canvas;
    }

    private static BufferedImage blend(BufferedImage a, BufferedImage b, double share) {
        BufferedImage blended = new BufferedImage(a.getWidth(), a.getHeight(), BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < a.getHeight(); y++) {
            for (int x = 0; x < a.getWidth(); x++) {
                int rgb = 0;
                for (int shift = 16; shift >= 0; shift -= 8) {
                    int from = a.getRGB(x, y) >> shift & 0xFF;
                    int to = b.getRGB(x, y) >> shift & 0xFF;
                    rgb |= (int) (from + share * (to - from)) << shift;
                }
                blended.setRGB(x, y, rgb);
            }
        }
        return blended;
    }
}
