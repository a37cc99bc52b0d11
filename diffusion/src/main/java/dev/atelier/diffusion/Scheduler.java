package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** How the noise levels of a run are spaced; names and numbers are AUTOMATIC1111's. */
public enum Scheduler {
    /** Karras et al. 2022 (arXiv 2206.00364), equation 5, with ρ = 7 and the model's own σ_min and σ_max. */
    KARRAS("karras", "Karras") {
        @Override
        float[] falling(NoiseSchedule schedule, int steps) {
            double max = Math.pow(schedule.sigmaMax(), 1 / RHO);
            double min = Math.pow(schedule.sigmaMin(), 1 / RHO);
            float[] sigmas = linspace(0, 1, steps);
            for (int i = 0; i < steps; i++) {
                sigmas[i] = (float) Math.pow((float) max + sigmas[i] * (float) (min - max), RHO);
            }
            return sigmas;
        }
    },

    /** Evenly spaced in time, from the last training timestep to the first. */
    UNIFORM("uniform", "Uniform") {
        @Override
        float[] falling(NoiseSchedule schedule, int steps) {
            float[] sigmas = linspace(schedule.lastTimestep(), 0, steps);
            for (int i = 0; i < steps; i++) {
                sigmas[i] = schedule.sigma(sigmas[i]);
            }
            return sigmas;
        }
    };

    /** The label that leaves the choice to the sampler. */
    static final String AUTOMATIC = "Automatic";

    private static final double RHO = 7;

    private final String id;
    private final String label;

    Scheduler(String id, String label) {
        this.id = id;
        this.label = label;
    }

    /** The name in AUTOMATIC1111's API. */
    public String id() {
        return id;
    }

    /** The name in AUTOMATIC1111's menus and in infotext. */
    public String label() {
        return label;
    }

    /**
     * The noise levels of a run.
     *
     * @return {@code steps} values from σ_max to σ_min, and a 0 after them
     */
    public float[] sigmas(NoiseSchedule schedule, int steps) {
        return Arrays.copyOf(falling(schedule, steps), steps + 1);
    }

    abstract float[] falling(NoiseSchedule schedule, int steps);

    /** The two spellings under which a request may name this scheduler. */
    List<String> names() {
        return List.of(label, id);
    }

    static Scheduler named(String name) {
        return Arrays.stream(values())
                .filter(scheduler -> scheduler.names().contains(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "unknown scheduler \"%s\"; known are %s".formatted(name, known())));
    }

    static String known() {
        return Stream.concat(Stream.of(AUTOMATIC), Arrays.stream(values()).map(Scheduler::label))
                .collect(Collectors.joining(", "));
    }

    /** Evenly spaced values, computed from both ends towards the middle and rounded once, as {@code torch.linspace} is. */
    private static float[] linspace(float start, float end, int count) {
        float[] values = new float[count];
        values[0] = start;
        float step = (end - start) / (count - 1);
        for (int i = 1; i < count; i++) {
            values[i] = i < count / 2 ? Math.fma(step, i, start) : Math.fma(-step, count - 1 - i, end);
        }
        return values;
    }
}
