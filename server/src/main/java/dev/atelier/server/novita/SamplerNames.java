package dev.atelier.server.novita;

import dev.atelier.diffusion.SamplerChoice;

/** Samplers as requests name them. */
final class SamplerNames {
    private static final String STANDARD = "Euler a";

    private SamplerNames() {}

    /** @param name "" for Euler a */
    static SamplerChoice choose(String field, String name) {
        try {
            return switch (name) {
                case "" -> SamplerChoice.named(STANDARD);
                // a constant of the Python and Go clients that neither version's documentation knows
                case "DPM++ Karras" -> SamplerChoice.named("DPM++ 2M Karras");
                default -> SamplerChoice.named(name);
            };
        } catch (IllegalArgumentException e) {
            throw new ProblemException(Problem.UNKNOWN_SAMPLER, "%s: %s".formatted(field, e.getMessage()));
        }
    }
}
