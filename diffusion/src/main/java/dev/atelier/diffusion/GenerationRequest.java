package dev.atelier.diffusion;

import java.util.concurrent.ThreadLocalRandom;

/**
 * What to draw. The same request on the same model gives the same pictures.
 *
 * @param steps how many steps the sampler takes, 1 to 1000
 * @param cfgScale how strongly the prompt guides, 0 to 100; 1 is no guidance and ignores the negative prompt
 * @param seed seed of the first image; image i of the batch has seed + i. −1 has no special meaning here
 * @param width in pixels, a multiple of 64 up to 4096
 * @param height in pixels, a multiple of 64 up to 4096
 * @param batchSize how many images are drawn together, 1 to 64
 * @param rng which generator the noise comes from
 * @param options settings of the sampler
 * @param emphasis how weights in the prompts act
 */
public record GenerationRequest(
        String prompt,
        String negativePrompt,
        int steps,
        SamplerChoice sampler,
        double cfgScale,
        long seed,
        int width,
        int height,
        int batchSize,
        NoiseSource rng,
        SamplerOptions options,
        EmphasisMode emphasis) {

    // a latent cell is 8 pixels, and the UNet halves the latent three times
    private static final int SIZE_UNIT = 64;
    private static final int MAX_SIZE = 4096;

    // AUTOMATIC1111 draws its random seeds from 0 to 4,294,967,293
    private static final long RANDOM_SEEDS = 4_294_967_294L;

    /** @throws IllegalArgumentException if a value is out of range; the message names the field */
    public GenerationRequest {
        requireWithin("steps", steps, 1, 1000);
        requireWithin("batchSize", batchSize, 1, 64);
        requireSize("width", width);
        requireSize("height", height);
        if (!(cfgScale >= 0 && cfgScale <= 100)) {
            throw new IllegalArgumentException("cfgScale must be between 0 and 100, but is " + cfgScale);
        }
    }

    /** With AUTOMATIC1111's default settings. */
    public GenerationRequest(
            String prompt,
            String negativePrompt,
            int steps,
            SamplerChoice sampler,
            double cfgScale,
            long seed,
            int width,
            int height,
            int batchSize,
            NoiseSource rng) {
        this(
                prompt,
                negativePrompt,
                steps,
                sampler,
                cfgScale,
                seed,
                width,
                height,
                batchSize,
                rng,
                SamplerOptions.DEFAULT,
                EmphasisMode.ORIGINAL);
    }

    /** A seed for a request that names none. */
    public static long randomSeed() {
        return ThreadLocalRandom.current().nextLong(RANDOM_SEEDS);
    }

    private static void requireWithin(String field, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    "%s must be between %d and %d, but is %d".formatted(field, min, max, value));
        }
    }

    private static void requireSize(String field, int pixels) {
        requireWithin(field, pixels, SIZE_UNIT, MAX_SIZE);
        if (pixels % SIZE_UNIT != 0) {
            throw new IllegalArgumentException(
                    "%s must be a multiple of %d pixels, but is %d".formatted(field, SIZE_UNIT, pixels));
        }
    }
}
