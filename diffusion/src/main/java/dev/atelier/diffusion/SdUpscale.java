package dev.atelier.diffusion;

/**
 * AUTOMATIC1111's script "SD upscale": the picture to start from is made larger and then drawn over in tiles, which have the
 * size of the request. A batch is of tiles; with several iterations there are as many pictures.
 *
 * @param factor how much larger, 1 to 8
 * @param upscaler what makes it larger; {@link Upscaler#NONE} leaves it as it is
 * @param overlap how many pixels of a tile fade into the next, 0 to 256
 */
public record SdUpscale(double factor, Upscaler upscaler, int overlap) {

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public SdUpscale {
        if (!(factor >= 1 && factor <= 8)) {
            throw new IllegalArgumentException("SD upscale factor must be between 1 and 8, but is " + factor);
        }
        if (overlap < 0 || overlap > 256) {
            throw new IllegalArgumentException("tile overlap must be between 0 and 256, but is " + overlap);
        }
        if (upscaler.isLatent()) {
            throw new IllegalArgumentException(
                    "the upscaler \"%s\" takes no finished picture".formatted(upscaler.label()));
        }
    }

    /** With the script's tiles. */
    public static SdUpscale by(double factor, Upscaler upscaler) {
        return new SdUpscale(factor, upscaler, 64);
    }
}
