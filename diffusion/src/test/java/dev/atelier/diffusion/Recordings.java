package dev.atelier.diffusion;

import java.io.InputStream;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** The runs of other projects' samplers in {@code sampler-trajectories.json} and {@code more-samplers.json}. */
record Recordings(
        float[] mu,
        List<float[]> noise,
        Map<String, float[]> sigmas,
        List<Run> runs,
        float[] brownianSigmas,
        List<BrownianPath> brownianTrees) {
    static final Recordings STORED = read();

    record Run(
            String id,
            String sampler,
            String denoiser,
            @Nullable String sigmas,
            int steps,
            @Nullable Double eta,
            double s_churn,
            double s_tmin,
            double s_tmax,
            @Nullable Double s_noise,
            @Nullable String variant,
            @Nullable String skip_type,
            int order,
            boolean lower_order_final,
            int draws,
            @Nullable List<float[]> drawnBetween,
            float @Nullable [] modelSigmas,
            float @Nullable [] modelTimesteps,
            float[] start,
            @Nullable List<float[]> latents,
            float[] result) {

        SamplerOptions options() {
            return new SamplerOptions(
                    eta,
                    s_churn,
                    s_tmin,
                    s_tmax,
                    s_noise == null ? 1 : s_noise,
                    ScheduleOptions.DEFAULT,
                    variant == null || skip_type == null
                            ? UniPcOptions.DEFAULT
                            : UniPcOptions.named(variant, skip_type, order, lower_order_final));
        }

        @Override
        public String toString() {
            return id;
        }
    }

    record Pair(float[] from, float[] to, List<float[]> noise) {}

    record BrownianPath(long seed, NoiseSource rng, List<float[]> noise, List<Pair> pairs) {
        @Override
        public String toString() {
            return rng + " " + seed;
        }
    }

    /** @param schedules by what is changed and by scheduler, ten steps of each */
    record More(Map<String, float[]> sigmas, List<Run> runs, Map<String, Map<String, float[]>> schedules) {}

    private static Recordings read() {
        Recordings first = read("sampler-trajectories.json", Recordings.class);
        More more = more();
        first.sigmas.putAll(more.sigmas);
        first.runs.addAll(more.runs);
        return first;
    }

    static More more() {
        return read("more-samplers.json", More.class);
    }

    private static <T> T read(String file, Class<T> type) {
        InputStream json = Recordings.class.getResourceAsStream(file);
        return JsonMapper.shared().readValue(json, type);
    }
}
