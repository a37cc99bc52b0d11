package dev.atelier.diffusion;

import org.jspecify.annotations.Nullable;

/**
 * A second pass: the finished picture is made larger and drawn over, so that it has the composition of a small picture
 * and the detail of a large one.
 *
 * @param upscaler what makes it larger
 * @param scale by how much, 1 to 8
 * @param width instead of the scale, the width of the final picture in pixels; 0 to let the height decide, or the scale
 * @param height the same for the height; where both are given, what is beyond them is cut off
 * @param steps of the second pass, all of which are taken; 0 for those of the first
 * @param denoisingStrength how much the second pass may change, 0 to 1
 * @param sampler of the second pass; null for that of the first
 * @param prompt of the second pass; empty for that of the first
 * @param negativePrompt the same
 * @param extraNoise how much noise is added besides, 0 to 1
 */
public record HiresFix(
        Upscaler upscaler,
        double scale,
        int width,
        int height,
        int steps,
        double denoisingStrength,
        @Nullable SamplerChoice sampler,
        String prompt,
        String negativePrompt,
        double extraNoise) {

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public HiresFix {
        if (!(scale >= 1 && scale <= 8)) {
            throw new IllegalArgumentException("hires scale must be between 1 and 8, but is " + scale);
        }
        requireWithin("hires width", width, GenerationRequest.MAX_SIZE);
        requireWithin("hires height", height, GenerationRequest.MAX_SIZE);
        requireWithin("hires steps", steps, 1000);
        GenerationRequest.within("denoising strength", denoisingStrength, 1);
        GenerationRequest.within("extra noise", extraNoise, 1);
    }

    private static void requireWithin(String name, int value, int max) {
        if (value < 0 || value > max) {
            throw new IllegalArgumentException("%s must be between 0 and %d, but is %d".formatted(name, max, value));
        }
    }

    /** With the settings of AUTOMATIC1111's web page: the upscaler Latent, and a denoising strength of 0.7. */
    public static HiresFix by(double scale) {
        return new HiresFix(Upscaler.LATENT, scale, 0, 0, 0, 0.7, null, "", "", 0);
    }

    /** To a size in pixels, of which one may be 0: it follows from the proportions of the first picture. */
    public static HiresFix to(int width, int height) {
        return new HiresFix(Upscaler.LATENT, 2, width, height, 0, 0.7, null, "", "", 0);
    }

    public HiresFix upscaler(Upscaler value) {
        return new HiresFix(
                value, scale, width, height, steps, denoisingStrength, sampler, prompt, negativePrompt, extraNoise);
    }

    public HiresFix steps(int value) {
        return new HiresFix(
                upscaler, scale, width, height, value, denoisingStrength, sampler, prompt, negativePrompt, extraNoise);
    }

    public HiresFix denoisingStrength(double value) {
        return new HiresFix(upscaler, scale, width, height, steps, value, sampler, prompt, negativePrompt, extraNoise);
    }

    public HiresFix sampler(@Nullable SamplerChoice value) {
        return new HiresFix(
                upscaler, scale, width, height, steps, denoisingStrength, value, prompt, negativePrompt, extraNoise);
    }

    public HiresFix prompts(String prompt, String negativePrompt) {
        return new HiresFix(
                upscaler, scale, width, height, steps, denoisingStrength, sampler, prompt, negativePrompt, extraNoise);
    }

    public HiresFix extraNoise(double value) {
        return new HiresFix(
                upscaler, scale, width, height, steps, denoisingStrength, sampler, prompt, negativePrompt, value);
    }

    boolean isResize() {
        return width > 0 || height > 0;
    }

    /** The size that a picture is made larger to, before what is too much is cut off. */
    Size enlarged(Size from) {
        if (!isResize()) {
            return new Size((int) (from.width() * scale), (int) (from.height() * scale));
        }
        boolean byWidth = height == 0 || (width > 0 && (long) from.width() * height < (long) width * from.height());
        return byWidth
                ? new Size(width, Math.toIntExact((long) width * from.height() / from.width()))
                : new Size(Math.toIntExact((long) height * from.width() / from.height()), height);
    }
}
