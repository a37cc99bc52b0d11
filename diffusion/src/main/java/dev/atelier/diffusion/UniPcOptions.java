package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.Locale;

/**
 * How {@link SamplerName#UNIPC} goes: AUTOMATIC1111's settings.
 *
 * @param order how many noise levels back it looks, 1 to 50; with fewer steps, as many as there are
 * @param lowerOrderFinal whether it looks back less and less far towards the end
 */
public record UniPcOptions(Variant variant, Spacing spacing, int order, boolean lowerOrderFinal) {
    public static final UniPcOptions DEFAULT = new UniPcOptions(Variant.BH1, Spacing.TIME_UNIFORM, 3, true);

    /** By what the changes of a step are weighed. */
    public enum Variant {
        /** B(h) = h. */
        BH1,
        /** B(h) = e^h − 1. */
        BH2,
        /** Coefficients that vary with h. */
        VARY_COEFF;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** How the noise levels are spaced. */
    public enum Spacing {
        TIME_UNIFORM("time_uniform"),
        TIME_QUADRATIC("time_quadratic"),
        LOG_SNR("logSNR");

        private final String label;

        Spacing(String label) {
            this.label = label;
        }

        @Override
        public String toString() {
            return label;
        }
    }

    /** @throws IllegalArgumentException if the order is out of range */
    public UniPcOptions {
        GenerationRequest.within("UniPC's order", order, 1, 50);
    }

    /** @throws IllegalArgumentException if a name is not AUTOMATIC1111's; the message lists those */
    public static UniPcOptions named(String variant, String spacing, int order, boolean lowerOrderFinal) {
        return new UniPcOptions(
                named("variant", Variant.values(), variant),
                named("skip type", Spacing.values(), spacing),
                order,
                lowerOrderFinal);
    }

    private static <T> T named(String what, T[] known, String name) {
        return Arrays.stream(known)
                .filter(value -> value.toString().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "UniPC has no %s \"%s\"; known are %s".formatted(what, name, Arrays.toString(known))));
    }
}
