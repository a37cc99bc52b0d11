package dev.atelier.cli;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.SdxlOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What SDXL is told of the picture besides its prompt and size. */
final class SdxlSettings {
    @Option(names = "--crop-top", paramLabel = "PIXELS", description = "How much is missing above. Default: 0.")
    private @Nullable Integer top;

    @Option(names = "--crop-left", paramLabel = "PIXELS", description = "How much is missing on the left. Default: 0.")
    private @Nullable Integer left;

    @Option(
            names = "--aesthetic-score",
            paramLabel = "SCORE",
            description = "How beautiful the refiner makes the picture, 0 to 10. Default: 6.")
    private @Nullable Double high;

    @Option(
            names = "--negative-aesthetic-score",
            paramLabel = "SCORE",
            description = "What it stays away from. Default: 2.5.")
    private @Nullable Double low;

    GenerationRequest applyTo(GenerationRequest request) {
        SdxlOptions options = request.sdxl();
        return request.sdxl(new SdxlOptions(
                top != null ? top : options.cropTop(),
                left != null ? left : options.cropLeft(),
                low != null ? low : options.lowAestheticScore(),
                high != null ? high : options.highAestheticScore()));
    }
}
