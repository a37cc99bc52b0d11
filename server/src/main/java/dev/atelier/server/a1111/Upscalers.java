package dev.atelier.server.a1111;

import dev.atelier.diffusion.Upscaler;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Upscalers, listed and looked up as AUTOMATIC1111 does. */
final class Upscalers {
    private static final double SCALE = 4; // what AUTOMATIC1111 says of those that know no scale

    private Upscalers() {}

    /** {@code /sdapi/v1/upscalers}: those that work on pixels. */
    static List<Map<String, @Nullable Object>> all() {
        return Arrays.stream(Upscaler.values())
                .filter(upscaler -> !upscaler.isLatent())
                .map(Upscalers::entry)
                .toList();
    }

    private static Map<String, @Nullable Object> entry(Upscaler upscaler) {
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        entry.put("name", upscaler.label());
        entry.put("model_name", null);
        entry.put("model_path", null);
        entry.put("model_url", null);
        entry.put("scale", SCALE);
        return entry;
    }

    /** {@code /sdapi/v1/latent-upscale-modes}. */
    static List<Map<String, String>> latentModes() {
        return Arrays.stream(Upscaler.values())
                .filter(Upscaler::isLatent)
                .map(upscaler -> Map.of("name", upscaler.label()))
                .toList();
    }

    /**
     * By label, or by the name of a constant, which is what a client in Java sends ({@code LatentBicubicAntialiased}).
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    static Upscaler ofHiresFix(String name) {
        if (name.isEmpty()) {
            return Upscaler.LATENT;
        }
        return Arrays.stream(Upscaler.values())
                .filter(upscaler -> letters(upscaler.label()).equals(letters(name)))
                .findFirst()
                .orElseGet(() -> Upscaler.named(name));
    }

    private static String letters(String name) {
        return name.replaceAll("[^A-Za-z]", "").toLowerCase(java.util.Locale.ROOT);
    }
}
