package dev.atelier.diffusion;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** How the noise levels of a run are spaced; names, order and numbers are AUTOMATIC1111's. */
@SuppressWarnings("ImmutableEnumChecker") // the functions are static methods, the lists come from List.of
public enum Scheduler {
    /** Left to the sampler; as {@link #UNIFORM} where it has neither a default nor noise levels of its own. */
    AUTOMATIC("automatic", "Automatic", SigmaSpacing::uniform),
    UNIFORM("uniform", "Uniform", SigmaSpacing::uniform),
    KARRAS("karras", "Karras", SigmaSpacing::karras),
    EXPONENTIAL("exponential", "Exponential", SigmaSpacing::exponential),
    POLYEXPONENTIAL("polyexponential", "Polyexponential", SigmaSpacing::polyexponential),
    SGM_UNIFORM("sgm_uniform", "SGM Uniform", SigmaSpacing::sgmUniform, "SGMUniform"),
    KL_OPTIMAL("kl_optimal", "KL Optimal", SigmaSpacing::klOptimal),
    ALIGN_YOUR_STEPS("align_your_steps", "Align Your Steps", SigmaSpacing::alignYourSteps),
    SIMPLE("simple", "Simple", SigmaSpacing::simple),
    /** The uniform one, but that it keeps to the {@link ScheduleOptions#sigmaMin} and the maximum asked for. */
    NORMAL("normal", "Normal", SigmaSpacing::normal),
    DDIM("ddim", "DDIM", SigmaSpacing::ddim),
    BETA("beta", "Beta", SigmaSpacing::beta);

    @FunctionalInterface
    private interface Spacing {
        float[] sigmas(NoiseSchedule schedule, ScheduleOptions options, int steps);
    }

    private final String id;
    private final String label;
    private final Spacing spacing;
    private final List<String> aliases;

    Scheduler(String id, String label, Spacing spacing, String... aliases) {
        this.id = id;
        this.label = label;
        this.spacing = spacing;
        this.aliases = List.of(aliases);
    }

    /** The name in AUTOMATIC1111's API. */
    public String id() {
        return id;
    }

    /** The name in AUTOMATIC1111's menus and in infotext. */
    public String label() {
        return label;
    }

    /** What else requests and older infotext may call it. */
    public List<String> aliases() {
        return aliases;
    }

    /**
     * The noise levels of a run.
     *
     * @return falling values, one more than there are steps; the last is 0, or σ_min where {@link #KL_OPTIMAL} ends. A
     *     few step counts make {@link #DDIM} take more steps than asked for
     */
    public float[] sigmas(NoiseSchedule schedule, int steps) {
        return sigmas(schedule, ScheduleOptions.DEFAULT, steps);
    }

    float[] sigmas(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        return spacing.sigmas(schedule, options, steps);
    }

    /** The spellings under which a request may name this scheduler. */
    List<String> names() {
        List<String> names = new ArrayList<>(List.of(label, id));
        names.addAll(aliases);
        return names;
    }

    static Scheduler named(String name) {
        return Arrays.stream(values())
                .filter(scheduler -> scheduler.names().contains(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "unknown scheduler \"%s\"; known are %s".formatted(name, known())));
    }

    static String known() {
        return Arrays.stream(values()).map(Scheduler::label).collect(Collectors.joining(", "));
    }
}
