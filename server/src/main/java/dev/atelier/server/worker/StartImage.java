package dev.atelier.server.worker;

import dev.atelier.diffusion.ImageToImage;
import dev.atelier.diffusion.Inpainting;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.ResizeMode;
import org.jspecify.annotations.Nullable;

/**
 * A picture to start from, as {@link ImageToImage} says it, with pictures as keys of the store.
 *
 * @param mask which part is drawn anew; null for all of it
 */
public record StartImage(
        String image,
        double denoisingStrength,
        ResizeMode resizeMode,
        boolean exactSteps,
        double noiseMultiplier,
        @Nullable Mask mask) {

    /** As {@link Inpainting}; a padding of −1 draws the whole picture. */
    public record Mask(
            String image,
            MaskedContent content,
            int blurX,
            int blurY,
            boolean inverted,
            int padding,
            boolean rounded,
            double conditioningWeight) {

        private Inpainting inpainting(Pictures pictures) {
            return new Inpainting(
                    pictures.read(image), content, blurX, blurY, inverted, padding, rounded, conditioningWeight);
        }
    }

    ImageToImage imageToImage(Pictures pictures) {
        return new ImageToImage(
                pictures.read(image),
                denoisingStrength,
                resizeMode,
                exactSteps,
                noiseMultiplier,
                0,
                mask == null ? null : mask.inpainting(pictures));
    }
}
