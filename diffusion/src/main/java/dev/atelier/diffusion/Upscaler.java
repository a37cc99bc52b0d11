package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What makes a picture larger before the second pass of {@link HiresFix}, under AUTOMATIC1111's names. */
public enum Upscaler {
    LATENT("Latent", LatentResampling.BILINEAR, null),
    LATENT_ANTIALIASED("Latent (antialiased)", LatentResampling.BILINEAR_ANTIALIASED, null),
    LATENT_BICUBIC("Latent (bicubic)", LatentResampling.BICUBIC, null),
    LATENT_BICUBIC_ANTIALIASED("Latent (bicubic antialiased)", LatentResampling.BICUBIC_ANTIALIASED, null),
    LATENT_NEAREST("Latent (nearest)", LatentResampling.NEAREST, null),
    LATENT_NEAREST_EXACT("Latent (nearest-exact)", LatentResampling.NEAREST_EXACT, null),
    /** As {@link #LANCZOS}. */
    NONE("None", null, Resampling.LANCZOS),
    LANCZOS("Lanczos", null, Resampling.LANCZOS),
    NEAREST("Nearest", null, Resampling.NEAREST);

    private final String label;
    private final @Nullable LatentResampling ofLatents;
    private final @Nullable Resampling ofPixels;

    Upscaler(String label, @Nullable LatentResampling ofLatents, @Nullable Resampling ofPixels) {
        this.label = label;
        this.ofLatents = ofLatents;
        this.ofPixels = ofPixels;
    }

    /** The name in menus, requests and infotext. */
    public String label() {
        return label;
    }

    /** Whether it works on latents; the others work on pixels. */
    public boolean isLatent() {
        return ofLatents != null;
    }

    @Nullable
    LatentResampling ofLatents() {
        return ofLatents;
    }

    @Nullable
    Resampling ofPixels() {
        return ofPixels;
    }

    /**
     * A picture in another size.
     *
     * @throws IllegalArgumentException if this works on latents
     */
    public BufferedImage resize(BufferedImage image, int width, int height) {
        if (ofPixels == null) {
            throw new IllegalArgumentException("the upscaler \"%s\" takes no finished picture".formatted(label));
        }
        return ofPixels.resize(Bitmap.rgba(image).rgb(), width, height).toImage();
    }

    /** @throws IllegalArgumentException if there is none of this name; the message lists those there are */
    public static Upscaler named(String label) {
        return Arrays.stream(values())
                .filter(upscaler -> upscaler.label.equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown upscaler \"%s\"; known are %s"
                        .formatted(
                                label,
                                Arrays.stream(values()).map(Upscaler::label).collect(Collectors.joining(", ")))));
    }
}
