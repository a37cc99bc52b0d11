package dev.atelier.server.worker;

import dev.atelier.Enlarger;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.diffusion.Upscaling;
import dev.atelier.server.db.Json;
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
 * @param missing what was asked for and is not there, in whose place {@code first} is; null if nothing
 */
public record Enlargement(
        String first,
        @Nullable String second,
        double visibility,
        double factor,
        int width,
        int height,
        boolean crop,
        @Nullable String missing) {
    private static final long MAX_PIXELS = 100_000_000;

    /** As asked for, or by Lanczos where a network is not there. */
    public record Choice(Upscaler upscaler, @Nullable String missing) {}

    public static Enlargement by(Choice choice, double factor) {
        return new Enlargement(choice.upscaler().label(), null, 0, factor, 0, 0, false, choice.missing());
    }

    private boolean isNone() {
        return first.equals(Upscaler.NONE.label());
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
        if (isNone()) {
            return "";
        }
        String size = isToSize() ? "to: %dx%d".formatted(width, height) : "by: %s".formatted(factor);
        String how = "Postprocess upscale %s, Postprocess upscaler: %s".formatted(size, first);
        return missing == null
                ? how
                : "%s, Missing upscaler: %s".formatted(how, Json.MAPPER.writeValueAsString(missing));
    }

    /** @throws IllegalArgumentException if a picture of this size would become too large */
    public void requireFits(int imageWidth, int imageHeight) {
        if (isNone()) {
            return;
        }
        double scale = factorOf(imageWidth, imageHeight);
        double pixels = imageWidth * scale * imageHeight * scale;
        if (!(scale > 0 && pixels <= MAX_PIXELS)) {
            throw new IllegalArgumentException(
                    "the picture would have %.0f pixels; at most %d are drawn".formatted(pixels, MAX_PIXELS));
        }
    }

    /** @throws IllegalArgumentException if it would become too large, or a network is not there */
    BufferedImage apply(BufferedImage image, Enlarger enlarger, Upscaling.Tiles tiles) {
        requireFits(image.getWidth(), image.getHeight());
        if (isNone()) {
            return image;
        }
        BufferedImage large = enlarged(image, first, enlarger, tiles);
        return second == null || second.equals(Upscaler.NONE.label()) || visibility <= 0
                ? large
                : blend(large, enlarged(image, second, enlarger, tiles), Math.min(1, visibility));
    }

    private BufferedImage enlarged(BufferedImage image, String upscaler, Enlarger enlarger, Upscaling.Tiles tiles) {
        double scale = factorOf(image.getWidth(), image.getHeight());
        BufferedImage large = enlarger.with(new Upscaler(upscaler), tiles).by(image, scale);
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
