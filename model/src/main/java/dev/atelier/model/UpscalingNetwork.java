package dev.atelier.model;

/** An upscaling network with its weights in memory, ready to run. Not thread-safe. */
public interface UpscalingNetwork extends AutoCloseable {

    /** By how much it makes pictures larger: 1, 2, 4, 8, … */
    int scale();

    /**
     * Runs the network.
     *
     * @param pictures {@code [n, 3, h, w]}, values from 0 to 1; h and w multiples of 4
     * @return {@code [n, 3, h·scale, w·scale]}, about 0 to 1, not clamped
     */
    FloatArray enlarge(FloatArray pictures);

    /** Frees the weights. */
    @Override
    void close();
}
