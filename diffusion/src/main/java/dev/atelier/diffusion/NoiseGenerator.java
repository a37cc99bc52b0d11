package dev.atelier.diffusion;

/** A stream of standard normal numbers that depends on nothing but its seed. Not thread-safe. */
sealed interface NoiseGenerator permits TorchCpuNoise, PhiloxNoise {

    /** The next draw: {@code count} numbers. How a stream is cut into draws changes its numbers. */
    float[] next(int count);
}
