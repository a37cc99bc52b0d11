package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import org.jspecify.annotations.Nullable;

/**
 * A sampler on its way from a start to latents, which may be asked to end after any step.
 *
 * @param schedule what the network was trained on, or what the sampler takes it for
 * @param seeds of the batch
 * @param noise of the batch, from which the first draw has been taken
 */
record SamplerRun(
        SamplerName name,
        NoiseSchedule schedule,
        SamplerOptions options,
        Levels levels,
        BatchSeeds seeds,
        BatchNoise noise) {

    /** Hears of each step, with what the network takes the picture for, and says how to go on. */
    @FunctionalInterface
    interface Watcher {
        GenerationListener.Course step(int step, int steps, FloatArray denoised);
    }

    /**
     * @param latents {@code [n, channels, h, w]}, at the run's end or, where it was ended early, as the network last saw
     *     them
     * @param course other than to continue if it was ended early
     */
    record Result(FloatArray latents, GenerationListener.Course course) {}

    /** Unwinds a sampler that was asked to end. */
    private static final class Ended extends RuntimeException {
        private final transient GenerationListener.Course course;

        Ended(GenerationListener.Course course) {
            super(null, null, false, false);
            this.course = course;
        }
    }

    /** Keeps what the network last said. */
    private static final class Remembering implements Denoiser {
        private final Denoiser network;
        private @Nullable FloatArray last;

        Remembering(Denoiser network) {
            this.network = network;
        }

        @Override
        public FloatArray denoise(FloatArray x, float sigma) {
            FloatArray denoised = network.denoise(x, sigma);
            last = denoised;
            return denoised;
        }

        @Override
        public Guided guide(FloatArray x, float sigma) {
            Guided guided = network.guide(x, sigma);
            last = guided.denoised();
            return guided;
        }

        FloatArray last(FloatArray otherwise) {
            return last != null ? last : otherwise;
        }
    }

    Result run(Denoiser network, FloatArray start, Watcher watcher) {
        int[] shape = {start.size(1), start.size(2), start.size(3)};
        StepNoise source = name.has(SamplerTrait.BROWNIAN_NOISE) && levels.steps() > 0
                ? new BrownianNoise(seeds, levels.all(), shape)
                : noise;
        Remembering remembering = new Remembering(network);
        try {
            FloatArray latents = levels.steps() == 0
                    ? start
                    : name.sampler(schedule, options, source)
                            .sample(remembering, start, levels.sigmas(), (step, steps) -> {
                                GenerationListener.Course course = watcher.step(step, steps, remembering.last(start));
                                if (course != GenerationListener.Course.CONTINUE) {
                                    throw new Ended(course);
                                }
                            });
            return new Result(Latents.scale(latents, (float) levels.end()), GenerationListener.Course.CONTINUE);
        } catch (Ended ended) {
            return new Result(remembering.last(start), ended.course);
        }
    }
}
