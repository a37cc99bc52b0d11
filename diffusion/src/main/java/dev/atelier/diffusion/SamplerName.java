package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The samplers under the names that AUTOMATIC1111 gives them, in its order. */
public enum SamplerName {
    DPM_PLUS_PLUS_2M("DPM++ 2M", Scheduler.KARRAS),
    EULER("Euler", Scheduler.UNIFORM);

    private final String label;
    private final Scheduler defaultScheduler;

    SamplerName(String label, Scheduler defaultScheduler) {
        this.label = label;
        this.defaultScheduler = defaultScheduler;
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
        return switch (this) {
            case DPM_PLUS_PLUS_2M -> new DpmPlusPlus2M();
            case EULER -> new Euler();
        };
    }

    static SamplerName of(String label) {
        return Arrays.stream(values())
                .filter(name -> name.label.equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "unknown sampler \"%s\"; known are %s, each alone or followed by a scheduler: %s"
                                .formatted(label, known(), Scheduler.known())));
    }

    private static String known() {
        return Arrays.stream(values()).map(SamplerName::label).collect(Collectors.joining(", "));
    }
}
