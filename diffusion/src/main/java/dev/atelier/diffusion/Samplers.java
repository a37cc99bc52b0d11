package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The samplers under the names that AUTOMATIC1111 gives them, in its order. */
public enum Samplers {
    DPM_PLUS_PLUS_2M("DPM++ 2M", Scheduler.KARRAS, new DpmPlusPlus2M()),
    EULER("Euler", Scheduler.UNIFORM, new Euler());

    private final String label;
    private final Scheduler defaultScheduler;
    private final Sampler sampler;

    Samplers(String label, Scheduler defaultScheduler, Sampler sampler) {
        this.label = label;
        this.defaultScheduler = defaultScheduler;
        this.sampler = sampler;
    }

    /** The name in menus, requests and infotext. */
    public String label() {
        return label;
    }

    /** What the scheduler {@code Automatic} means for this sampler. */
    public Scheduler defaultScheduler() {
        return defaultScheduler;
    }

    public Sampler sampler() {
        return sampler;
    }

    static Samplers named(String label) {
        return Arrays.stream(values())
                .filter(sampler -> sampler.label.equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "unknown sampler \"%s\"; known are %s, each alone or followed by a scheduler: Automatic, %s"
                                .formatted(label, known(), Scheduler.known())));
    }

    private static String known() {
        return Arrays.stream(values()).map(Samplers::label).collect(Collectors.joining(", "));
    }
}
