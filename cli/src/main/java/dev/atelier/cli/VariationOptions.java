package dev.atelier.cli;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.Variation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Noise between two seeds. */
final class VariationOptions {
    @Option(
            names = "--variation-strength",
            paramLabel = "SHARE",
            description = "How far to go from the seed to the variation seed, 0 to 1. Default: 0.1 if a seed is given.")
    private @Nullable Double strength;

    @Option(names = "--variation-seed", paramLabel = "N", description = "Default: a random one.")
    private @Nullable Long seed;

    GenerationRequest applyTo(GenerationRequest request) {
        if (strength == null && seed == null) {
            return request;
        }
        return request.variation(
                new Variation(seed != null ? seed : GenerationRequest.randomSeed(), strength != null ? strength : 0.1));
    }
}
