package dev.atelier.client;

import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What to draw. Immutable: each setting gives another request. What is left out is the server's default, which is
 * AUTOMATIC1111's: 20 steps, 512 × 512, a random seed.
 *
 * @param fields as {@code POST /api/v1/pictures} takes them
 */
public record PictureRequest(Map<String, Object> fields) {
    public PictureRequest {
        fields = Map.copyOf(fields);
    }

    public static PictureRequest of(String prompt) {
        return new PictureRequest(Map.of("prompt", prompt));
    }

    /** Any field of the API, also one that this class has no method for. */
    public PictureRequest with(String field, Object value) {
        Map<String, Object> changed = new LinkedHashMap<>(fields);
        changed.put(field, value);
        return new PictureRequest(changed);
    }

    public PictureRequest negativePrompt(String value) {
        return with("negativePrompt", value);
    }

    /** A model of the server by name, or an expression such as {@code 0.7*anime + 0.3*photo}. */
    public PictureRequest model(String value) {
        return with("model", value);
    }

    /** In pixels, multiples of 8. */
    public PictureRequest size(int width, int height) {
        return with("width", width).with("height", height);
    }

    public PictureRequest steps(int value) {
        return with("steps", value);
    }

    public PictureRequest seed(long value) {
        return with("seed", value);
    }

    public PictureRequest cfgScale(double value) {
        return with("cfgScale", value);
    }

    /** As AUTOMATIC1111 labels it, such as {@code DPM++ 2M Karras}. */
    public PictureRequest sampler(String value) {
        return with("sampler", value);
    }

    /** How many pictures, with seeds that count on. */
    public PictureRequest count(int value) {
        return with("batchCount", value);
    }

    /** Draws it larger in a second pass. */
    public PictureRequest hires(double scale) {
        return with("hires", Map.of("scale", scale));
    }

    /**
     * Starts from a picture.
     *
     * @param image a PNG, JPEG, GIF, BMP or TIFF file
     * @param denoisingStrength how far from it, 0 to 1
     */
    public PictureRequest from(byte[] image, double denoisingStrength) {
        return with(
                "start",
                Map.of("image", Base64.getEncoder().encodeToString(image), "denoisingStrength", denoisingStrength));
    }
}
