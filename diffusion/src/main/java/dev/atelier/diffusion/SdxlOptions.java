package dev.atelier.diffusion;

import dev.atelier.model.SizeConditioning;

/**
 * What SDXL is told of the picture besides its prompt and size, under the names of AUTOMATIC1111's settings.
 *
 * @param cropTop how many pixels are missing above, 0 to 1024: with 0 SDXL shows its subject whole
 * @param cropLeft the same for the left
 * @param lowAestheticScore how beautiful the refiner takes the negative prompt's picture to be, 0 to 10
 * @param highAestheticScore the same for the prompt's picture
 */
public record SdxlOptions(int cropTop, int cropLeft, double lowAestheticScore, double highAestheticScore) {
    public static final SdxlOptions DEFAULT = new SdxlOptions(0, 0, 2.5, 6);

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public SdxlOptions {
        GenerationRequest.within("SDXL crop top", cropTop, 0, 1024);
        GenerationRequest.within("SDXL crop left", cropLeft, 0, 1024);
        GenerationRequest.within("SDXL low aesthetic score", lowAestheticScore, 10);
        GenerationRequest.within("SDXL high aesthetic score", highAestheticScore, 10);
    }

    SizeConditioning sizes(Size picture) {
        return new SizeConditioning(
                picture.width(), picture.height(), cropLeft, cropTop, picture.width(), picture.height());
    }

    double aestheticScore(boolean negative) {
        return negative ? lowAestheticScore : highAestheticScore;
    }
}
