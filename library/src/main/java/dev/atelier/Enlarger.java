package dev.atelier;

import dev.atelier.diffusion.Upscaler;
import dev.atelier.diffusion.Upscaling;
import java.nio.file.Path;

/**
 * Makes finished pictures larger, without a checkpoint. Keeps the last network in memory until {@link #close} or
 * until another is asked for. For one thread.
 */
public final class Enlarger implements AutoCloseable {
    private final UpscalerFiles files;

    private Enlarger(UpscalerFiles files) {
        this.files = files;
    }

    /** @param options where networks are, and what runs them */
    public static Enlarger of(ModelOptions options) {
        return new Enlarger(options.upscalers());
    }

    /**
     * The file of a network by its name.
     *
     * @throws IllegalArgumentException if there is none; the message says which file it takes
     */
    public Path file(String network) {
        return files.file(network);
    }

    /**
     * Makes an upscaler ready, whose {@link Upscaling#by} then makes pictures larger.
     *
     * @param tiles hears of progress if it is a network
     * @throws IllegalArgumentException if it works on latents or is not there
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if its file is no network that can be run
     */
    public Upscaling with(Upscaler upscaler, Upscaling.Tiles tiles) {
        return Upscaling.of(upscaler, files::open, tiles);
    }

    /** Frees the network. */
    @Override
    public void close() {
        files.close();
    }
}
