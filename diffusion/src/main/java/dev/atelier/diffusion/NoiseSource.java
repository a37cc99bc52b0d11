package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * Where the Gaussian noise comes from: one of the generators that AUTOMATIC1111 offers as "Random number generator
 * source", so that a seed means the same picture here and there. The name of a constant is what infotext says after
 * {@code RNG}.
 */
public enum NoiseSource {
    /** PyTorch's CPU generator. Only the low 32 bits of a seed count. */
    CPU {
        @Override
        NoiseGenerator generator(long seed) {
            return new TorchCpuNoise(seed);
        }
    },

    /** What an NVIDIA GPU draws, computed on the CPU. All 64 bits of a seed count. */
    NV {
        @Override
        NoiseGenerator generator(long seed) {
            return new PhiloxNoise(seed);
        }
    };

    abstract NoiseGenerator generator(long seed);

    /**
     * The noise that a batch starts from. Image i has a generator of its own with the seed {@code seed + i}, so that it
     * is the same picture as the single image of that seed.
     *
     * @return unit normal, {@code [images, channels, height, width]}
     */
    FloatArray batch(long seed, int images, int channels, int height, int width) {
        FloatArray[] noise = new FloatArray[images];
        for (int i = 0; i < images; i++) {
            float[] values = generator(seed + i).next(channels * height * width);
            noise[i] = FloatArray.of(values, 1, channels, height, width);
        }
        return Latents.stack(noise);
    }
}
