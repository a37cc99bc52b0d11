package dev.atelier.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that a UNet goes by besides the latents and the time; a row for each latent.
 *
 * @param context what it attends to, {@code [n, 77·k, contextWidth]}
 * @param vector what is added to its time embedding, {@code [n, vectorWidth]}: SDXL's pooled text and picture sizes
 * @param image further channels beside the latents', {@code [n, channels, h, w]}: mask and masked picture of inpainting
 *     models, the source picture of instruct-pix2pix
 * @param negative which rows are of a negative prompt; empty if none is
 * @param control what is added to the output of each input block and last of the middle block, see {@link ControlNet};
 *     empty for nothing
 * @param adapted what is added on the way there, see {@link T2iAdapter}; empty for nothing
 */
public record UNetConditioning(
        FloatArray context,
        @Nullable FloatArray vector,
        @Nullable FloatArray image,
        List<Boolean> negative,
        List<FloatArray> control,
        List<FloatArray> adapted) {
    public UNetConditioning {
        negative = List.copyOf(negative);
        control = List.copyOf(control);
        adapted = List.copyOf(adapted);
    }

    /** The conditioning by text and picture alone. */
    public UNetConditioning(FloatArray context, @Nullable FloatArray vector, @Nullable FloatArray image) {
        this(context, vector, image, List.of(), List.of(), List.of());
    }

    /** The conditioning of models that know nothing but the text: SD 1.x and 2.x. */
    public static UNetConditioning of(FloatArray context) {
        return new UNetConditioning(context, null, null);
    }

    public UNetConditioning withContext(FloatArray other) {
        return new UNetConditioning(other, vector, image, negative, control, adapted);
    }

    public UNetConditioning withImage(@Nullable FloatArray other) {
        return new UNetConditioning(context, vector, other, negative, control, adapted);
    }

    public UNetConditioning withControl(List<FloatArray> other) {
        return new UNetConditioning(context, vector, image, negative, other, adapted);
    }

    public UNetConditioning withAdapted(List<FloatArray> other) {
        return new UNetConditioning(context, vector, image, negative, control, other);
    }

    /** Whether a row is of a negative prompt. */
    public boolean isNegative(int row) {
        return !negative.isEmpty() && negative.get(row);
    }
}
