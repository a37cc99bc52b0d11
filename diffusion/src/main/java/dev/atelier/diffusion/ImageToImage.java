package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A picture to start from, or several, each for one picture of a batch. What is transparent in them is white. Immutable:
 * each setting has a method that reads it and one of the same name that gives a copy with another value, checked at
 * once; it throws {@link IllegalArgumentException} for a value out of range, which the message names.
 *
 * <p>What is not set is as in AUTOMATIC1111's web page.
 */
public final class ImageToImage implements Cloneable {
    // assigned only by with(), to a copy that nobody else has seen
    private List<BufferedImage> images = List.of();
    private double denoisingStrength = 0.75;
    private ResizeMode resizeMode = ResizeMode.JUST_RESIZE;
    private boolean exactSteps;
    private double noiseMultiplier = 1;
    private double extraNoise;
    private @Nullable Inpainting inpainting;
    private Upscaler upscaler = Upscaler.NONE;
    private boolean colorCorrection;

    private ImageToImage() {}

    public static ImageToImage of(BufferedImage image) {
        return of(List.of(image));
    }

    /** For a batch of as many pictures. */
    public static ImageToImage of(List<BufferedImage> images) {
        return new ImageToImage().images(images);
    }

    private ImageToImage with(Consumer<ImageToImage> change) {
        try {
            ImageToImage copy = (ImageToImage) super.clone();
            change.accept(copy);
            return copy;
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    public List<BufferedImage> images() {
        return images;
    }

    /** Starts from other pictures, of any size; at least one. */
    public ImageToImage images(List<BufferedImage> value) {
        if (value.isEmpty()) {
            throw new IllegalArgumentException("there is no picture to start from");
        }
        return with(copy -> copy.images = List.copyOf(value));
    }

    public double denoisingStrength() {
        return denoisingStrength;
    }

    /** From 0, which keeps the picture, to 1, which keeps little but its colours. */
    public ImageToImage denoisingStrength(double value) {
        return with(copy -> copy.denoisingStrength = GenerationRequest.within("denoising strength", value, 1));
    }

    public ResizeMode resizeMode() {
        return resizeMode;
    }

    /** How the picture gets the size of the request. */
    public ImageToImage resizeMode(ResizeMode value) {
        return with(copy -> copy.resizeMode = value);
    }

    public boolean exactSteps() {
        return exactSteps;
    }

    /** Whether the request's steps are all taken; otherwise their share by the denoising strength. */
    public ImageToImage exactSteps(boolean value) {
        return with(copy -> copy.exactSteps = value);
    }

    public double noiseMultiplier() {
        return noiseMultiplier;
    }

    /** What the noise is multiplied with, 0 to 1.5; 1 in theory. */
    public ImageToImage noiseMultiplier(double value) {
        return with(copy -> copy.noiseMultiplier = GenerationRequest.within("noise multiplier", value, 1.5));
    }

    public double extraNoise() {
        return extraNoise;
    }

    /** How much noise is added besides, 0 to 1. */
    public ImageToImage extraNoise(double value) {
        return with(copy -> copy.extraNoise = GenerationRequest.within("extra noise", value, 1));
    }

    public @Nullable Inpainting inpainting() {
        return inpainting;
    }

    /** Which part is drawn anew; null for all of it. */
    public ImageToImage inpainting(@Nullable Inpainting value) {
        return with(copy -> copy.inpainting = value);
    }

    public Upscaler upscaler() {
        return upscaler;
    }

    /** What makes the picture larger where it is smaller than the request. */
    public ImageToImage upscaler(Upscaler value) {
        if (value.isLatent()) {
            throw new IllegalArgumentException(
                    "the upscaler \"%s\" takes no finished picture".formatted(value.label()));
        }
        return with(copy -> copy.upscaler = value);
    }

    public boolean colorCorrection() {
        return colorCorrection;
    }

    /** Whether what is drawn gets the picture's colours. */
    public ImageToImage colorCorrection(boolean value) {
        return with(copy -> copy.colorCorrection = value);
    }
}
