package dev.atelier.diffusion;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What makes a picture larger: a way of resampling, or an upscaling network.
 *
 * @param label AUTOMATIC1111's name of the former, in menus, requests and infotext; any other is that of a network
 */
public record Upscaler(String label) {
    public static final Upscaler LATENT = new Upscaler("Latent");

    /** As {@link #LANCZOS}; in {@link Upscaling#by} it leaves a picture as it is. */
    public static final Upscaler NONE = new Upscaler("None");

    public static final Upscaler LANCZOS = new Upscaler("Lanczos");
    public static final Upscaler NEAREST = new Upscaler("Nearest");

    /** Those that work on latents, in the order of menus. */
    public static final List<Upscaler> OF_LATENTS = Stream.of(
                    "Latent",
                    "Latent (antialiased)",
                    "Latent (bicubic)",
                    "Latent (bicubic antialiased)",
                    "Latent (nearest)",
                    "Latent (nearest-exact)")
            .map(Upscaler::new)
            .toList();

    /** Those that work on pixels and need no network, in the order of menus. */
    public static final List<Upscaler> OF_PIXELS = List.of(NONE, LANCZOS, NEAREST);

    /** Whether it works on latents; the others work on pixels. */
    public boolean isLatent() {
        return OF_LATENTS.contains(this);
    }

    /** Whether it is a network. */
    public boolean isNetwork() {
        return !isLatent() && !OF_PIXELS.contains(this);
    }

    @Nullable
    LatentResampling ofLatents() {
        return switch (label) {
            case "Latent" -> LatentResampling.BILINEAR;
            case "Latent (antialiased)" -> LatentResampling.BILINEAR_ANTIALIASED;
            case "Latent (bicubic)" -> LatentResampling.BICUBIC;
            case "Latent (bicubic antialiased)" -> LatentResampling.BICUBIC_ANTIALIASED;
            case "Latent (nearest)" -> LatentResampling.NEAREST;
            case "Latent (nearest-exact)" -> LatentResampling.NEAREST_EXACT;
            default -> null;
        };
    }

    /** The labels of all but networks, for messages. */
    public static String known() {
        return Stream.concat(OF_LATENTS.stream(), OF_PIXELS.stream())
                .map(Upscaler::label)
                .collect(Collectors.joining(", "));
    }
}
