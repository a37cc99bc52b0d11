package dev.atelier.server.worker;

import dev.atelier.diffusion.ImageToImage;
import dev.atelier.diffusion.Inpainting;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.diffusion.SoftInpainting;
import dev.atelier.diffusion.Upscaler;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A picture to start from, as {@link ImageToImage} says it, with pictures as keys of the store.
 *
 * @param mask which part is drawn anew; null for all of it
 * @param others further pictures, for a batch that starts from several; null for none
 * @param extraNoise null for none
 * @param upscaler null for plain resizing
 * @param colorCorrection null for none
 */
public record StartImage(
        String image,
        double denoisingStrength,
        ResizeMode resizeMode,
        boolean exactSteps,
        double noiseMultiplier,
        @Nullable Mask mask,
        @Nullable List<String> others,
        @Nullable Double extraNoise,
        @Nullable Upscaler upscaler,
        @Nullable Boolean colorCorrection) {

    /** A single picture. */
    public StartImage(
            String image,
            double denoisingStrength,
            ResizeMode resizeMode,
            boolean exactSteps,
            double noiseMultiplier,
            @Nullable Mask mask) {
        this(image, denoisingStrength, resizeMode, exactSteps, noiseMultiplier, mask, null, null, null, null);
    }

    public StartImage {
        others = others == null ? null : List.copyOf(others);
    }

    /** As {@link Inpainting}; a padding of −1 draws the whole picture. */
    public record Mask(
            String image,
            MaskedContent content,
            int blurX,
            int blurY,
            boolean inverted,
            int padding,
            boolean rounded,
            double conditioningWeight,
            @Nullable SoftInpainting soft) {

        /** A mask that says by itself how much is drawn. */
        public Mask(
                String image,
                MaskedContent content,
                int blurX,
                int blurY,
                boolean inverted,
                int padding,
                boolean rounded,
                double conditioningWeight) {
            this(image, content, blurX, blurY, inverted, padding, rounded, conditioningWeight, null);
        }

        private Inpainting inpainting(Pictures pictures) {
            return new Inpainting(
                    pictures.read(image),
                    content,
                    blurX,
                    blurY,
                    inverted,
                    padding,
                    rounded,
                    conditioningWeight,
                    null,
                    soft);
        }
    }

    ImageToImage imageToImage(Pictures pictures) {
        List<BufferedImage> images = new ArrayList<>(List.of(pictures.read(image)));
        if (others != null) {
            others.forEach(other -> images.add(pictures.read(other)));
        }
        return ImageToImage.of(images)
                .denoisingStrength(denoisingStrength)
                .resizeMode(resizeMode)
                .exactSteps(exactSteps)
                .noiseMultiplier(noiseMultiplier)
                .extraNoise(extraNoise == null ? 0 : extraNoise)
                .inpainting(mask == null ? null : mask.inpainting(pictures))
                .upscaler(upscaler == null ? Upscaler.NONE : upscaler)
                .colorCorrection(Boolean.TRUE.equals(colorCorrection));
    }
}
