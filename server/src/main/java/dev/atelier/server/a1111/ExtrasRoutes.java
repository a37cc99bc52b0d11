package dev.atelier.server.a1111;

import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.PngFile;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.worker.Enlargement;
import io.javalin.http.Context;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.JsonNode;

/** {@code extra-single-image} and {@code extra-batch-images}: finished pictures are enlarged. */
record ExtrasRoutes(EncodedImages images) {

    void single(Context context) throws IOException {
        Values values = Requests.EXTRAS_SINGLE.read(Body.text(context, EncodedImages.MAX_TEXT));
        String image = enlarged(values, values.textOrEmpty("image"));
        context.json(
                Map.of("html_info", "<p>%s</p>".formatted(enlargement(values).description()), "image", image));
    }

    void batch(Context context) throws IOException {
        Values values = Requests.EXTRAS_BATCH.read(Body.text(context, EncodedImages.MAX_TEXT));
        JsonNode pictures = values.json("imageList");
        List<String> large = new ArrayList<>();
        for (JsonNode picture : Objects.requireNonNull(pictures)) {
            large.add(enlarged(values, picture.path("data").asString("")));
        }
        context.json(
                Map.of("html_info", "<p>%s</p>".formatted(enlargement(values).description()), "images", large));
    }

    private static boolean isToSize(Values values) {
        return values.integer("resize_mode", 0) == 1;
    }

    private static int width(Values values) {
        return Math.clamp(values.integer("upscaling_resize_w", 512), 1, 1 << 16);
    }

    private static int height(Values values) {
        return Math.clamp(values.integer("upscaling_resize_h", 512), 1, 1 << 16);
    }

    private String enlarged(Values values, String base64) throws IOException {
        BufferedImage image = images.picture(base64);
        Enlargement how = enlargement(values);
        BufferedImage large;
        try {
            how.requireFits(image.getWidth(), image.getHeight());
            large = how.apply(image);
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
        return Base64.getEncoder().encodeToString(PngFile.encode(new GeneratedImage(large, 0, "")));
    }

    private static Enlargement enlargement(Values values) {
        double visibility = values.number("extras_upscaler_2_visibility", 0);
        try {
            return new Enlargement(
                    upscaler(values, "upscaler_1"),
                    upscaler(values, "upscaler_2"),
                    visibility,
                    isToSize(values) ? 0 : values.number("upscaling_resize", 2),
                    width(values),
                    height(values),
                    !Boolean.FALSE.equals(values.values().get("upscaling_crop")));
        } catch (IllegalArgumentException e) { // no such upscaler
            throw HttpError.of(500, e);
        }
    }

    private static String upscaler(Values values, String field) {
        String name = values.textOrEmpty(field);
        return name.isEmpty() ? Upscaler.NONE.label() : name;
    }
}
