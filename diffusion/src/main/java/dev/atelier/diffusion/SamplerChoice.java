package dev.atelier.diffusion;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A sampler and how its noise levels are spaced. */
public record SamplerChoice(SamplerName name, Scheduler scheduler) {
    private static final List<String> AUTOMATIC = List.of(Scheduler.AUTOMATIC, "automatic");

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
                    return new SamplerChoice(SamplerName.of(withoutWord(sampler, word)), candidate);
                }
            }
        }
        for (String word : AUTOMATIC) {
            if (sampler.endsWith(" " + word)) {
                return named(withoutWord(sampler, word));
            }
        }
        SamplerName name = SamplerName.of(sampler);
        if (scheduler == null || AUTOMATIC.contains(scheduler)) {
            return new SamplerChoice(name, name.defaultScheduler());
        }
        return new SamplerChoice(name, Scheduler.named(scheduler));
    }

    private static String withoutWord(String sampler, String word) {
        return sampler.substring(0, sampler.length() - word.length() - 1);
    }

    @Override
    public String toString() {
        return name.label() + " " + scheduler.label();
    }
}
