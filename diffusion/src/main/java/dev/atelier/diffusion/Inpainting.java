package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import org.jspecify.annotations.Nullable;

/**
 * Which part of a picture is drawn anew, and how. As in AUTOMATIC1111's web page unless set otherwise; its API has other
 * defaults.
 *
 * @param mask of any size; white is drawn anew. In a picture with transparency, opaque is white and transparent black
 * @param content what the run starts from there
 * @param blurX standard deviation by which the mask's edge is softened along rows, in pixels of the mask, 0 to 256
 * @param blurY the same along columns
 * @param inverted whether black is drawn anew instead
 * @param padding −1 to draw the whole picture; otherwise only the mask's surroundings are drawn, at the full size of the
 *     request, and so many pixels around the mask are shown to the network, 0 to 256
 * @param rounded whether each latent cell is either drawn or kept; otherwise a soft mask mixes both
 * @param conditioningWeight how much of the picture under the mask is hidden from inpainting models, 0 to 1
 * @param latentMask where latents are drawn anew, if that is elsewhere than the mask says; null for there
 * @param soft how what is drawn fades into what is kept, which takes a mask that is not rounded; null for by the mask alone
 */
public record Inpainting(
        BufferedImage mask,
        MaskedContent content,
        int blurX,
        int blurY,
        boolean inverted,
        int padding,
        boolean rounded,
        double conditioningWeight,
        @Nullable BufferedImage latentMask,
        @Nullable SoftInpainting soft) {
    static final int WHOLE_PICTURE = -1;

    private static final int MAX_BLUR = 256;
    private static final int MAX_PADDING = 256;

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public Inpainting {
        rounded = rounded && soft == null;
        requireWithin("mask blur", blurX, 0, MAX_BLUR);
        requireWithin("mask blur", blurY, 0, MAX_BLUR);
        requireWithin("masked area padding", padding, WHOLE_PICTURE, MAX_PADDING);
        if (!(conditioningWeight >= 0 && conditioningWeight <= 1)) {
            throw new IllegalArgumentException(
                    "conditional mask weight must be between 0 and 1, but is " + conditioningWeight);
        }
    }

    private static void requireWithin(String name, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    "%s must be between %d and %d, but is %d".formatted(name, min, max, value));
        }
    }

    public static Inpainting of(BufferedImage mask) {
        return new Inpainting(mask, MaskedContent.ORIGINAL, 4, 4, false, WHOLE_PICTURE, true, 1, null, null);
    }

    public Inpainting content(MaskedContent value) {
        return new Inpainting(
                mask, value, blurX, blurY, inverted, padding, rounded, conditioningWeight, latentMask, soft);
    }

    public Inpainting blur(int x, int y) {
        return new Inpainting(mask, content, x, y, inverted, padding, rounded, conditioningWeight, latentMask, soft);
    }

    public Inpainting inverted(boolean value) {
        return new Inpainting(
                mask, content, blurX, blurY, value, padding, rounded, conditioningWeight, latentMask, soft);
    }

    /** Draws only the surroundings of the mask, with so many pixels around it. */
    public Inpainting onlyMasked(int padding) {
        return new Inpainting(
                mask, content, blurX, blurY, inverted, padding, rounded, conditioningWeight, latentMask, soft);
    }

    public Inpainting rounded(boolean value) {
        return new Inpainting(
                mask, content, blurX, blurY, inverted, padding, value, conditioningWeight, latentMask, soft);
    }

    public Inpainting conditioningWeight(double value) {
        return new Inpainting(mask, content, blurX, blurY, inverted, padding, rounded, value, latentMask, soft);
    }

    public Inpainting soft(@Nullable SoftInpainting value) {
        return new Inpainting(
                mask, content, blurX, blurY, inverted, padding, rounded, conditioningWeight, latentMask, value);
    }

    Inpainting latentMask(BufferedImage value) {
        return new Inpainting(mask, content, blurX, blurY, inverted, padding, rounded, conditioningWeight, value, soft);
    }

    boolean isOnlyMasked() {
        return padding != WHOLE_PICTURE;
    }
}
