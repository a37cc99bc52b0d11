package dev.atelier.diffusion;

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
}
