package dev.atelier.model;

import org.jspecify.annotations.Nullable;

/**
 * All that a UNet goes by besides the latents and the time; a row for each latent.
 *
 * @param context what it attends to, {@code [n, 77·k, contextWidth]}
 * @param vector what is added to its time embedding, {@code [n, vectorWidth]}: SDXL's pooled text and picture sizes
 * @param image further channels beside the latents', {@code [n, channels, h, w]}: mask and masked picture of inpainting
 *     models, the source picture of instruct-pix2pix
 */
public record UNetConditioning(
        FloatArray context,
        @Nullable FloatArray vector,
        @Nullable FloatArray image) {

    /** The conditioning of models that know nothing but the text: SD 1.x and 2.x. */
    public static UNetConditioning of(FloatArray context) {
        return new UNetConditioning(context, null, null);
    }

    public UNetConditioning withContext(FloatArray other) {
        return new UNetConditioning(other, vector, image);
    }

    public UNetConditioning withImage(@Nullable FloatArray other) {
        return new UNetConditioning(context, vector, other);
    }
}
