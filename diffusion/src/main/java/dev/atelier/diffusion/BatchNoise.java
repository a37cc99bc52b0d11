package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.List;

/**
 * The noise of a batch, draw after draw. Image i has a generator of its own with the seed {@code seed + i}, so that it
 * is the same picture as the single image of that seed. What the samplers draw continues what the batch started from.
 */
final class BatchNoise implements StepNoise {
    private final List<NoiseGenerator> generators = new ArrayList<>();
    private final int[] shape;

    /** @param shape {@code [images, channels, height, width]} */
    BatchNoise(NoiseSource source, long seed, int... shape) {
        for (int i = 0; i < shape[0]; i++) {
            generators.add(source.generator(seed + i));
        }
        this.shape = shape;
    }

    /** The next draw of every image, unit normal. */
    FloatArray next() {
        int[] image = shape.clone();
        image[0] = 1;
        int size = image[1] * image[2] * image[3];
        return Latents.stack(generators.stream()
                .map(generator -> FloatArray.of(generator.next(size), image))
                .toArray(FloatArray[]::new));
    }

    @Override
    public FloatArray between(float sigma, float next) {
        return next();
    }
}
