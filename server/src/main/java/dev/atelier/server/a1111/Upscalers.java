package dev.atelier.server.a1111;

import dev.atelier.catalog.Model;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.models.ModelShelf;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Upscalers, listed and looked up as AUTOMATIC1111 does.
 *
 * @param networks those that the catalog has
 */
record Upscalers(Supplier<List<Model>> networks, ModelShelf shelf) {
    private static final double SCALE = 4; // what AUTOMATIC1111 says of those that know no scale

    /** {@code /sdapi/v1/upscalers}: those that work on pixels. */
    List<Map<String, @Nullable Object>> all() {
        return Stream.concat(
                        Upscaler.OF_PIXELS.stream().map(upscaler -> entry(upscaler.label(), null, null)),
                        networks.get().stream()
                                .map(model -> entry(
                                        model.stem(), model.stem(), model.path().toString())))
                .toList();
    }

    /** The names of all. */
    List<String> names() {
        return all().stream()
                .map(upscaler -> String.valueOf(upscaler.get("name")))
                .toList();
    }

    private static Map<String, @Nullable Object> entry(
            String name, @Nullable String modelName, @Nullable String modelPath) {
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        entry.put("name", name);
        entry.put("model_name", modelName);
        entry.put("model_path", modelPath);
        entry.put("model_url", null);
        entry.put("scale", SCALE);
        return entry;
    }

    /** {@code /sdapi/v1/latent-upscale-modes}. */
    static List<Map<String, String>> latentModes() {
        return Upscaler.OF_LATENTS.stream()
                .map(upscaler -> Map.of("name", upscaler.label()))
                .toList();
    }

    /**
     * By label, or by the name of a constant, which is what a client in Java sends ({@code LatentBicubicAntialiased}).
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    Upscaler ofHiresFix(String name) {
        if (name.isEmpty()) {
            return Upscaler.LATENT;
        }
        Optional<Upscaler> known = Stream.concat(Upscaler.OF_LATENTS.stream(), Upscaler.OF_PIXELS.stream())
                .filter(upscaler -> letters(upscaler.label()).equals(letters(name)))
                .findFirst();
        return known.orElseGet(() -> shelf.upscaler(name));
    }

    /** Of pixels, by its place in the list. */
    Upscaler ofPixels(int index) {
        List<String> names = names();
        if (index < 0 || index >= names.size()) {
            throw new IllegalArgumentException("script_args: there is no upscaler %d".formatted(index));
        }
        return new Upscaler(names.get(index));
    }

    /** Of pixels; None where nothing is said. */
    Upscaler ofPixels(String name) {
        try {
            Upscaler upscaler = name.isEmpty() ? Upscaler.NONE : shelf.upscaler(name);
            if (!upscaler.isLatent()) {
                return upscaler;
            }
        } catch (IllegalArgumentException e) {
            throw new HttpError(500, "could not find upscaler named %s: %s".formatted(name, e.getMessage()));
        }
        throw new HttpError(500, "could not find upscaler named %s".formatted(name));
    }

    private static String letters(String name) {
        return name.replaceAll("[^A-Za-z]", "").toLowerCase(Locale.ROOT);
    }
}
