package dev.atelier.diffusion;

import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * What the noise of the pictures of one batch grows from, as in AUTOMATIC1111.
 *
 * @param seeds one for each picture
 * @param variation its seed is that of the batch's first picture
 * @param resizedFrom the size in latent cells whose noise each picture takes over in its middle, or null
 * @param delta "eta noise seed delta": what the seeds of all noise but the first differ by, 0 to go on with the first
 */
record BatchSeeds(
        NoiseSource source,
        List<Long> seeds,
        Variation variation,
        @Nullable Size resizedFrom,
        long delta) {

    static BatchSeeds from(NoiseSource source, long seed, int count) {
        return new BatchSeeds(
                source, LongStream.range(seed, seed + count).boxed().toList(), Variation.NONE, null, 0);
    }

    int count() {
        return seeds.size();
    }
}
