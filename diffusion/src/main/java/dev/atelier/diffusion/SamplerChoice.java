package dev.atelier.diffusion;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A sampler and how its noise levels are spaced. */
public record SamplerChoice(SamplerName name, Scheduler scheduler) {

    /** As {@link #named(String, String)} without a scheduler of its own: {@code "DPM++ 2M Karras"}, {@code "Euler"}. */
    public static SamplerChoice named(String sampler) {
        return named(sampler, null);
    }

    /**
     * Reads the names of a request as AUTOMATIC1111 does: a scheduler at the end of the sampler's name, as in
     * {@code "DPM++ 2M Karras"}, wins over the one given beside it.
     *
     * @param scheduler a label or API name; null or {@code Automatic} for the sampler's default
     * @throws IllegalArgumentException if either name is unknown (AUTOMATIC1111 would silently take its first one);
     *     the message lists the known names
     */
    public static SamplerChoice named(String sampler, @Nullable String scheduler) {
        for (Scheduler candidate : Scheduler.values()) {
            for (String word : candidate.names()) {
                if (sampler.endsWith(" " + word)) {
                    String rest = sampler.substring(0, sampler.length() - word.length() - 1);
                    // "Euler SGM Uniform" ends with "Uniform" too, but then no sampler remains
                    SamplerName name = SamplerName.find(rest).orElse(null);
                    if (name != null) {
                        return of(name, candidate);
                    }
                }
            }
        }
        SamplerName name = SamplerName.find(sampler)
                .orElseThrow(() -> new IllegalArgumentException(
                        "unknown sampler \"%s\"; known are %s, each alone or followed by a scheduler: %s"
                                .formatted(sampler, SamplerName.known(), Scheduler.known())));
        return of(name, scheduler == null ? Scheduler.AUTOMATIC : Scheduler.named(scheduler));
    }

    private static SamplerChoice of(SamplerName name, Scheduler scheduler) {
        boolean open = scheduler == Scheduler.AUTOMATIC || name.has(SamplerTrait.OWN_LEVELS);
        return new SamplerChoice(name, open ? name.defaultScheduler() : scheduler);
    }

    /** The noise levels of a run, falling. */
    float[] sigmas(NoiseSchedule schedule, SamplerOptions settings, int steps) {
        ScheduleOptions options = settings.schedule();
        return switch (name) {
            case DDIM, DDIM_CFG_PLUS_PLUS, PLMS -> SigmaSpacing.timesteps(schedule, steps);
            case UNIPC -> SigmaSpacing.unipc(schedule, settings.uniPc(), steps);
            // the ends and the number count, and a step more leaves σ_min at the end when the 0 goes
            case DPM_FAST, DPM_ADAPTIVE ->
                Arrays.copyOf(SigmaSpacing.exponential(schedule, ScheduleOptions.DEFAULT, steps + 1), steps + 1);
            default ->
                name.has(SamplerTrait.DISCARDS_PENULTIMATE) || options.discardPenultimate()
                        ? withoutPenultimate(scheduler.sigmas(schedule, options, steps + 1))
                        : scheduler.sigmas(schedule, options, steps);
        };
    }

    private static float[] withoutPenultimate(float[] sigmas) {
        float[] fewer = Arrays.copyOf(sigmas, sigmas.length - 1);
        fewer[fewer.length - 1] = sigmas[sigmas.length - 1];
        return fewer;
    }

    @Override
    public String toString() {
        return name.label() + " " + scheduler.label();
    }
}
