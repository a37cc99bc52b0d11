package dev.atelier.server.a1111;

import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.PngFile;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import io.javalin.http.Context;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** {@code extra-single-image} and {@code extra-batch-images}: finished pictures are enlarged. */
final class ExtrasRoutes {
    private static final int CELL = 8;
    private static final long MAX_PIXELS = 100_000_000;

    private ExtrasRoutes() {}

    static void single(Context context) throws IOException {
        Values values = Requests.EXTRAS.read(Body.text(context, EncodedImage.MAX_TEXT));
        String image = enlarged(values, values.textOrEmpty("image"));
        context.json(Map.of("html_info", "<p>%s</p>".formatted(description(values)), "image", image));
    }

    static void batch(Context context) throws IOException {
        Values values = Requests.EXTRAS.read(Body.text(context, EncodedImage.MAX_TEXT));
        JsonNode pictures = values.json("imageList");
        List<String> images = new ArrayList<>();
        if (pictures != null) {
            for (JsonNode picture : pictures) {
                images.add(enlarged(values, picture.path("data").asString("")));
            }
        }
        context.json(Map.of("html_info", "<p>%s</p>".formatted(description(values)), "images", images));
    }

    private static boolean isToSize(Values values) {
        return values.integer("resize_mode", 0) == 1;
    }

    private static String description(Values values) {
        String upscaler = values.textOrEmpty("upscaler_1");
        if (upscaler.isEmpty() || upscaler.equals(Upscaler.NONE.label())) {
            return "";
        }
        String size = isToSize(values)
                ? "to: %dx%d".formatted(width(values), height(values))
                : "by: %s".formatted(values.number("upscaling_resize", 2));
        return "Postprocess upscale %s, Postprocess upscaler: %s".formatted(size, upscaler);
    }

    private static int width(Values values) {
        return Math.clamp(values.integer("upscaling_resize_w", 512), 1, 1 << 16);
    }

    private static int height(Values values) {
        return Math.clamp(values.integer("upscaling_resize_h", 512), 1, 1 << 16);
    }

    private static String enlarged(Values values, String base64) throws IOException {
        BufferedImage image = ImageFile.read(EncodedImage.bytes(base64));
        Upscaler first = upscaler(values, "upscaler_1");
        BufferedImage large = first == Upscaler.NONE ? image : enlarged(values, image, first);
        double visibility = values.number("extras_upscaler_2_visibility", 0);
        Upscaler second = upscaler(values, "upscaler_2");
        if (first != Upscaler.NONE && second != Upscaler.NONE && visibility > 0) {
            large = blend(large, enlarged(values, image, second), Math.min(1, visibility));
        }
        return Base64.getEncoder().encodeToString(PngFile.encode(new GeneratedImage(large, 0, "")));
    }

    private static Upscaler upscaler(Values values, String field) {
        String name = values.textOrEmpty(field);
        try {
            Upscaler upscaler = name.isEmpty() ? Upscaler.NONE : Upscaler.named(name);
            if (!upscaler.isLatent()) {
                return upscaler;
            }
        } catch (IllegalArgumentException _) {
            // said below
        }
        throw new HttpError(500, "could not find upscaler named " + name);
    }

    private static BufferedImage enlarged(Values values, BufferedImage image, Upscaler upscaler) {
        double factor = isToSize(values)
                ? Math.max((double) width(values) / image.getWidth(), (double) height(values) / image.getHeight())
                : values.number("upscaling_resize", 2);
        double pixels = image.getWidth() * factor * image.getHeight() * factor;
        if (!(factor > 0 && pixels <= MAX_PIXELS)) {
            throw new HttpError(
                    422, "the picture would have %.0f pixels; at most %d are drawn".formatted(pixels, MAX_PIXELS));
        }
        int width = Math.max(1, (int) (image.getWidth() * factor));
        int height = Math.max(1, (int) (image.getHeight() * factor));
        BufferedImage large = upscaler.resize(image, width, height);
        int wholeWidth = Math.max(CELL, width / CELL * CELL); // as AUTOMATIC1111 leaves it
        int wholeHeight = Math.max(CELL, height / CELL * CELL);
        if (wholeWidth != width || wholeHeight != height) {
            large = Upscaler.LANCZOS.resize(large, wholeWidth, wholeHeight);
        }
        boolean isCropped =
                isToSize(values) && !Boolean.FALSE.equals(values.values().get("upscaling_crop"));
        return isCropped ? cropped(large, width(values), height(values)) : large;
    }

    private static BufferedImage cropped(BufferedImage image, int width, int height) {
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
