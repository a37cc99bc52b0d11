package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.FloatArray;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/** What the autoencoder makes of a set of pictures of one size, so that it has to run only once for each. */
final class LatentCache {
    private static final String MOMENTS = "moments";

    private final float[] moments; // picture by picture: means, then log variances
    private final int channels; // of the latents
    private final int height;
    private final int width;

    /** @param moments {@code [n, 8, h, w]} */
    LatentCache(FloatArray moments) {
        this.moments = moments.values();
        this.channels = moments.size(1) / 2;
        this.height = moments.size(2);
        this.width = moments.size(3);
    }

    static LatentCache read(Checkpoint file) {
        Tensor stored = file.tensor(MOMENTS);
        float[] values = new float[Math.toIntExact(stored.shape().elements())];
        stored.read(0, MemorySegment.ofArray(values));
        long[] sizes = stored.shape().sizes();
        return new LatentCache(FloatArray.of(values, (int) sizes[0], (int) sizes[1], (int) sizes[2], (int) sizes[3]));
    }

    Checkpoint file() {
        Shape shape = Shape.of(size(), 2L * channels, height, width);
        return Checkpoint.of(
                List.of(), Map.of(MOMENTS, Tensor.of(DType.F32, shape, MemorySegment.ofArray(moments))), Map.of());
    }

    int size() {
        return moments.length / (2 * elements());
    }

    private int elements() {
        return channels * height * width;
    }

    /** The standard deviation of all means. */
    double deviation() {
        double sum = 0;
        double squares = 0;
        for (int picture = 0; picture < size(); picture++) {
            for (int i = 0; i < elements(); i++) {
                double mean = moments[2 * picture * elements() + i];
                sum += mean;
                squares += mean * mean;
            }
        }
        double n = (double) size() * elements();
        return Math.sqrt(squares / n - sum / n * (sum / n));
    }

    /**
     * Latents of some pictures, drawn from their distributions: {@code [n, 4, h, w]}.
     *
     * @param scale what they are multiplied by
     */
    FloatArray sample(int[] pictures, double scale, RandomGenerator random) {
        float[] latents = new float[pictures.length * elements()];
        for (int row = 0; row < pictures.length; row++) {
            int at = 2 * pictures[row] * elements();
            for (int i = 0; i < elements(); i++) {
                double logVariance = Math.clamp(moments[at + elements() + i], -30, 20);
                double latent = moments[at + i] + Math.exp(0.5 * logVariance) * random.nextGaussian();
                latents[row * elements() + i] = (float) (scale * latent);
            }
        }
        return FloatArray.of(latents, pictures.length, channels, height, width);
    }
}
