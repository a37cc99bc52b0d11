package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A picture to start from, or several, each for one picture of a batch. What is transparent in them is white.
 *
 * @param images of any size; at least one
 * @param denoisingStrength from 0, which keeps the picture, to 1, which keeps little but its colours
 * @param resizeMode how the picture gets the size of the request
 * @param exactSteps whether the request's steps are all taken; otherwise their share by the denoising strength
 * @param noiseMultiplier what the noise is multiplied with, 0 to 1.5; 1 in theory
 * @param extraNoise how much noise is added besides, 0 to 1
 * @param inpainting which part is drawn anew; null for all of it
 * @param upscaler what makes it larger where it is smaller than the request
 * @param colorCorrection whether what is drawn gets its colours
 */
public record ImageToImage(
        List<BufferedImage> images,
        double denoisingStrength,
        ResizeMode resizeMode,
        boolean exactSteps,
        double noiseMultiplier,
        double extraNoise,
        @Nullable Inpainting inpainting,
        Upscaler upscaler,
        boolean colorCorrection) {

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public ImageToImage {
        images = List.copyOf(images);
        if (images.isEmpty()) {
            throw new IllegalArgumentException("there is no picture to start from");
        }
        requireWithin("denoising strength", denoisingStrength, 1);
        requireWithin("noise multiplier", noiseMultiplier, 1.5);
        requireWithin("extra noise", extraNoise, 1);
        if (upscaler.isLatent()) {
            throw new IllegalArgumentException(
                    "the upscaler \"%s\" takes no finished picture".formatted(upscaler.label()));
        }
    }

    static void requireWithin(String name, double value, double max) {
        if (!(value >= 0 && value <= max)) {
            throw new IllegalArgumentException("%s must be between 0 and %s, but is %s".formatted(name, max, value));
        }
    }

    /** With AUTOMATIC1111's default settings: a denoising strength of 0.75, and the picture just resized. */
    public static ImageToImage of(BufferedImage image) {
        return of(List.of(image));
    }

    /** As {@link #of(BufferedImage)}, for a batch of as many pictures. */
    public static ImageToImage of(List<BufferedImage> images) {
        return new ImageToImage(images, 0.75, ResizeMode.JUST_RESIZE, false, 1, 0, null, Upscaler.NONE, false);
    }

    public ImageToImage denoisingStrength(double value) {
        return new ImageToImage(
                images,
                value,
                resizeMode,
                exactSteps,
                noiseMultiplier,
                extraNoise,
                inpainting,
                upscaler,
                colorCorrection);
    }

    public ImageToImage resizeMode(ResizeMode value) {
        return new ImageToImage(
                images,
                denoisingStrength,
                value,
                exactSteps,
                noiseMultiplier,
                extraNoise,
                inpainting,
                upscaler,
                colorCorrection);
    }

    public ImageToImage exactSteps(boolean value) {
        return new ImageToImage(
                images,
                denoisingStrength,
                resizeMode,
                value,
                noiseMultiplier,
                extraNoise,
                inpainting,
                upscaler,
                colorCorrection);
    }

    public ImageToImage noiseMultiplier(double value) {
        return new ImageToImage(
                images,
                denoisingStrength,
                resizeMode,
                exactSteps,
                value,
                extraNoise,
                inpainting,
                upscaler,
                colorCorrection);
    }

    public ImageToImage extraNoise(double value) {
        return new ImageToImage(
                images,
                denoisingStrength,
                resizeMode,
                exactSteps,
                noiseMultiplier,
                value,
                inpainting,
                upscaler,
                colorCorrection);
    }

    public ImageToImage inpainting(@Nullable Inpainting value) {
        return new ImageToImage(
                images,
                denoisingStrength,
                resizeMode,
                exactSteps,
                noiseMultiplier,
                extraNoise,
                value,
                upscaler,
                colorCorrection);
    }

    public ImageToImage upscaler(Upscaler value) {
        return new ImageToImage(
                images,
                denoisingStrength,
                resizeMode,
                exactSteps,
                noiseMultiplier,
                extraNoise,
                inpainting,
                value,
                colorCorrection);
    }

    /** Starts from other pictures. */
    public ImageToImage images(List<BufferedImage> value) {
        return new ImageToImage(
                value,
                denoisingStrength,
                resizeMode,
                exactSteps,
                noiseMultiplier,
                extraNoise,
                inpainting,
                upscaler,
                colorCorrection);
    }

    public ImageToImage colorCorrection(boolean value) {
        return new ImageToImage(
                images,
                denoisingStrength,
                resizeMode,
                exactSteps,
                noiseMultiplier,
                extraNoise,
                inpainting,
                upscaler,
                value);
    }
}
