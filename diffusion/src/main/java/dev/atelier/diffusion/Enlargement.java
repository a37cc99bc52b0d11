package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The way from the first pass of a hires fix to what the second starts from. */
final class Enlargement {
    private Enlargement() {}

    /** The size of the second pass's pictures, in whole latent cells. */
    static Size finalSize(HiresFix hires, Size first, int cell) {
        Size enlarged = hires.enlarged(first);
        int width = enlarged.width() / cell;
        int height = enlarged.height() / cell;
        if (hires.width() > 0 && hires.height() > 0) {
            width -= (enlarged.width() - hires.width()) / cell;
            height -= (enlarged.height() - hires.height()) / cell;
        }
        int most = GenerationRequest.MAX_SIZE;
        if (Math.max(width, height) * cell > most) {
            throw new IllegalArgumentException("hires fix makes %d × %d pixels of %s, more than %d along a side"
                    .formatted(width * cell, height * cell, first, most));
        }
        return new Size(width * cell, height * cell);
    }

    /**
     * @param latents of the first pass, {@code [n, channels, h, w]}
     * @param encoder of the second pass, which is asked for when all have been decoded
     * @param ofPixels null for an upscaler of latents
     */
    static FloatArray of(
            FloatArray latents,
            HiresFix hires,
            Size first,
            Vae decoder,
            Supplier<Vae> encoder,
            @Nullable Upscaling ofPixels) {
        Size enlarged = hires.enlarged(first);
        int cell = first.width() / latents.size(3);
        int height = enlarged.height() / cell;
        int width = enlarged.width() / cell;
        LatentResampling ofLatents = hires.upscaler().ofLatents();
        FloatArray larger = ofLatents != null
                ? ofLatents.resize(latents, height, width)
                : encoded(
                        enlarged(latents, Objects.requireNonNull(ofPixels), width * cell, height * cell, decoder),
                        encoder.get());
        Size target = finalSize(hires, first, cell);
        return middle(larger, target.height() / cell, target.width() / cell);
    }

    private static List<Bitmap> enlarged(FloatArray latents, Upscaling upscaling, int width, int height, Vae decoder) {
        List<Bitmap> larger = new ArrayList<>();
        for (int i = 0; i < latents.size(0); i++) {
            larger.add(upscaling.to(Bitmap.rgb(decoder.decode(latents.rows(i, i + 1))), width, height));
        }
        return larger;
    }

    private static FloatArray encoded(List<Bitmap> pictures, Vae encoder) {
        return Latents.stack(pictures.stream()
                .map(picture -> encoder.encode(picture.toFloats()))
                .toArray(FloatArray[]::new));
    }

    /** What is too much goes on both sides alike, an odd cell on the right or below. */
    private static FloatArray middle(FloatArray latents, int height, int width) {
        int top = (latents.size(2) - height) / 2;
        int left = (latents.size(3) - width) / 2;
        return Latents.crop(latents, top, left, height, width);
    }
}
