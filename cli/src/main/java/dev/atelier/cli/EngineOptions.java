package dev.atelier.cli;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.NoiseSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What makes no difference to what is wanted, but to how it is made. */
final class EngineOptions {
    @Option(
            names = "--rng",
            description = "Where the noise comes from: NV gives the pictures that a seed gives on a graphics card in "
                    + "AUTOMATIC1111, CPU those of its setting \"CPU\". Default: NV.")
    private @Nullable NoiseSource rng;

    @Option(
            names = "--vae-tiling",
            description =
                    "Turn latents into large pictures tile by tile, which takes less memory. Colours may differ a "
                            + "little from tile to tile.")
    private boolean vaeTiling;

    GenerationRequest applyTo(GenerationRequest request) {
        GenerationRequest tiled = request.vaeTiling(vaeTiling);
        return rng != null ? tiled.rng(rng) : tiled;
    }
}
