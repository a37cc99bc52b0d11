package dev.atelier.cli;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.SamplerChoice;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The second pass. */
final class HiresOptions {
    @Option(names = "--hires", paramLabel = "FACTOR", description = "How much larger, 1 to 8.")
    private @Nullable Double factor;

    @Option(
            names = "--hires-strength",
            paramLabel = "SHARE",
            description = "How much the second pass may change, 0 to 1. Default: 0.7.")
    private @Nullable Double strength;

    @Option(names = "--hires-steps", paramLabel = "N", description = "Its steps. Default: those of the first.")
    private @Nullable Integer steps;

    @Option(
            names = "--hires-upscaler",
            paramLabel = "NAME",
            description = "\"Latent\", \"Latent (antialiased)\", \"Latent (bicubic)\","
                    + " \"Latent (bicubic antialiased)\", \"Latent (nearest)\", \"Latent (nearest-exact)\","
                    + " \"Lanczos\", \"Nearest\", or an upscaling network: a file such as 4x-UltraSharp.pth or the name of"
                    + " one in --models. Default: Latent.")
    @Nullable
    String upscaler;

    @Option(names = "--hires-sampler", paramLabel = "NAME", description = "Default: that of the first.")
    private @Nullable String sampler;

    GenerationRequest applyTo(GenerationRequest request) {
        HiresFix hires = factor != null ? HiresFix.by(factor) : request.hiresFix();
        if (hires == null) {
            return request;
        }
        hires = strength != null ? hires.denoisingStrength(strength) : hires;
        hires = steps != null ? hires.steps(steps) : hires;
        hires = upscaler != null ? hires.upscaler(UpscalerOption.of(upscaler).upscaler()) : hires;
        return request.hiresFix(sampler != null ? hires.sampler(SamplerChoice.named(sampler)) : hires);
    }
}
