package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.List;

/**
 * Noise that belongs to the way between two noise levels, not to the number of the step: with another number of steps
 * the same path is only cut elsewhere. A path for each image, as in AUTOMATIC1111, with time σ.
 */
final class BrownianNoise implements StepNoise {
    private final List<BrownianTree> trees = new ArrayList<>();

    /**
     * @param sigmas the noise levels, of which the highest and the lowest above 0 bound the paths
     * @param shape {@code [channels, height, width]} of each picture's latent
     */
    BrownianNoise(BatchSeeds seeds, float[] sigmas, int... shape) {
        int last = sigmas.length - 1;
        float lowest = sigmas[last] > 0 ? sigmas[last] : sigmas[last - 1];
        for (long seed : seeds.seeds()) {
            trees.add(new BrownianTree(seeds.source(), seed, lowest, sigmas[0], 1, shape[0], shape[1], shape[2]));
        }
    }

    @Override
    public FloatArray between(float sigma, float next) {
        // the path runs towards higher noise levels, the sampler the other way
        float scale = (float) (-1 / Math.sqrt(sigma - next));
        return Latents.stack(trees.stream()
                .map(tree -> Latents.scale(tree.increment(next, sigma), scale))
                .toArray(FloatArray[]::new));
    }
}
