package dev.atelier.server.a1111;

import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.diffusion.SamplerName;
import dev.atelier.diffusion.SamplerTrait;
import dev.atelier.diffusion.Scheduler;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Samplers and schedulers, listed and looked up as AUTOMATIC1111 does. */
final class Samplers {
    private Samplers() {}

    /** {@code /sdapi/v1/samplers}. */
    static List<Map<String, Object>> samplers() {
        return Arrays.stream(SamplerName.values())
                .map(sampler -> Map.<String, Object>of(
                        "name", sampler.label(), "aliases", sampler.aliases(), "options", options(sampler)))
                .toList();
    }

    private static Map<String, String> options(SamplerName sampler) {
        Map<String, String> options = new LinkedHashMap<>();
        // the web UI lists it only where it is not the model's own
        if (sampler.defaultScheduler() != Scheduler.AUTOMATIC) {
            options.put("scheduler", sampler.defaultScheduler().id());
        }
        putIf(sampler, SamplerTrait.USES_ENSD, "uses_ensd", options);
        putIf(sampler, SamplerTrait.DISCARDS_PENULTIMATE, "discard_next_to_last_sigma", options);
        putIf(sampler, SamplerTrait.SECOND_ORDER, "second_order", options);
        putIf(sampler, SamplerTrait.BROWNIAN_NOISE, "brownian_noise", options);
        if (sampler == SamplerName.DPM_PLUS_PLUS_2M_SDE_HEUN) {
            options.put("solver_type", "heun");
        }
        return options;
    }

    private static void putIf(SamplerName sampler, SamplerTrait trait, String name, Map<String, String> options) {
        if (sampler.has(trait)) {
            options.put(name, "True");
        }
    }

    /** {@code /sdapi/v1/schedulers}. */
    static List<Map<String, @Nullable Object>> schedulers() {
        return Arrays.stream(Scheduler.values()).map(Samplers::scheduler).toList();
    }

    private static Map<String, @Nullable Object> scheduler(Scheduler scheduler) {
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        entry.put("name", scheduler.id());
        entry.put("label", scheduler.label());
        entry.put("aliases", scheduler.aliases().isEmpty() ? null : scheduler.aliases());
        entry.put(
                "default_rho",
                switch (scheduler) {
                    case KARRAS -> 7.0;
                    case POLYEXPONENTIAL -> 1.0;
                    default -> -1.0;
                });
        entry.put(
                "need_inner_model",
                switch (scheduler) {
                    case UNIFORM, SGM_UNIFORM, SIMPLE, NORMAL, DDIM, BETA -> true;
                    default -> false;
                });
        return entry;
    }

    /** An unknown sampler is DPM++ 2M, and an unknown scheduler the sampler's own. */
    static SamplerChoice choose(String sampler, @Nullable String scheduler) {
        for (String tried : new String[] {sampler, SamplerName.DPM_PLUS_PLUS_2M.label()}) {
            for (String spacing : new String[] {scheduler, null}) {
                try {
                    return SamplerChoice.named(tried, spacing);
                } catch (IllegalArgumentException _) {
                    // then the next
                }
            }
        }
        throw new AssertionError("DPM++ 2M is known");
    }
}
