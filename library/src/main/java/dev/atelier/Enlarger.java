package dev.atelier;

import dev.atelier.diffusion.Upscaler;
import dev.atelier.diffusion.Upscaling;
import java.awt.image.BufferedImage;
import java.nio.file.Path;

/**
 * Makes finished pictures larger, without a checkpoint. Keeps the last network in memory until {@link #close}.
 *
 * <p>May be used by several threads; they take turns.
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
     * Makes a picture larger, as AUTOMATIC1111's tab Extras does: its sides become multiples of 8.
     *
     * @param factor by how much
     * @param tiles hears of progress if the upscaler is a network
     * @throws IllegalArgumentException if the upscaler works on latents or is not there, or the picture becomes too large
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if its file is no network that can be run
     */
    public synchronized BufferedImage enlarge(
            BufferedImage image, Upscaler upscaler, double factor, Upscaling.Tiles tiles) {
        return Upscaling.of(upscaler, files::open, tiles).by(image, factor);
    }

    /** Frees the network. */
    @Override
    public synchronized void close() {
        files.close();
    }
}
