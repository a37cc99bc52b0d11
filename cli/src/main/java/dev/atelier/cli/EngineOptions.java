package dev.atelier.cli;

import dev.atelier.diffusion.Acceleration;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.GuidanceOptions;
import dev.atelier.diffusion.NoiseSource;
import dev.atelier.diffusion.PromptPadding;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What makes no difference to what is wanted, but to how it is made. */
final class EngineOptions {
    @Option(
            names = "--rng",
            paramLabel = "WHOSE",
            description = "Where the noise comes from: NV gives the pictures that a seed gives on a graphics card in "
                    + "AUTOMATIC1111, CPU those of its setting \"CPU\". Default: NV.")
    private @Nullable NoiseSource rng;

    @Option(
            names = "--tiling",
            description = "Draw a tile: a picture that can be laid side by side with itself without a seam.")
    private boolean tiling;

    @Option(
            names = "--split-cfg",
            description = "Run prompt and negative prompt one after the other: the same picture in less memory.")
    private boolean split;

    @Option(
            names = "--pad-prompts",
            paramLabel = "HOW",
            description =
                    "Make the shorter of prompt and negative prompt as long as the other, so that both run together:"
                            + " EMPTY adds empty prompts to it; LAST repeats the last token of the negative prompt, or cuts off what"
                            + " is too much. The picture becomes another one. Default: NONE.")
    private @Nullable PromptPadding padding;

    @Option(
            names = "--comma-backtrack",
            paramLabel = "TOKENS",
            description =
                    "How many tokens may move to the next window of 75 so that it begins behind a comma. Default: 20.")
    private @Nullable Integer commaBacktrack;

    @Option(
            names = "--vae-tiling",
            description =
                    "Turn latents into large pictures tile by tile, which takes less memory. Colours may differ a "
                            + "little from tile to tile.")
    private boolean vaeTiling;

    @Option(
            names = "--refiner-at",
            paramLabel = "SHARE",
            description = "When the --refiner takes over, as a share of the way. Default: 0.8.")
    private @Nullable Double refinerAt;

    @Option(
            names = "--skip-early-cfg",
            paramLabel = "SHARE",
            description =
                    "Leave out the negative prompt for this share of the run's beginning, which saves half of its "
                            + "time there. The picture becomes another one. Default: 0.")
    private @Nullable Double skipEarly;

    @Option(
            names = "--skip-late-cfg",
            paramLabel = "SIGMA",
            description = "Leave it out below this noise level; 0.3 changes little. Default: 0.")
    private @Nullable Double skipLate;

    @Option(
            names = "--ngms",
            paramLabel = "SIGMA",
            description =
                    "Leave it out below this noise level at every other step: AUTOMATIC1111's \"Negative Guidance "
                            + "minimum sigma\". Default: 0.")
    private @Nullable Double ngms;

    @Option(
            names = "--deep-cache",
            paramLabel = "N",
            description = "Run all of the network only at every N-th step, and its outermost blocks at the others; 2 "
                    + "changes little, 3 more. Default: 1, every step.")
    private @Nullable Integer cacheInterval;

    @Option(
            names = "--deep-cache-depth",
            paramLabel = "BLOCKS",
            description = "How many blocks those are, 1 to 3. Default: 1.")
    private @Nullable Integer cacheDepth;

    @Option(
            names = "--merge-tokens",
            paramLabel = "SHARE",
            description =
                    "Merge this share of the picture's tokens with others like them where the network compares each "
                            + "with all, up to 0.75; worth it for large pictures. Not in SDXL. Default: 0.")
    private @Nullable Double mergedTokens;

    GenerationRequest applyTo(GenerationRequest given) {
        GenerationRequest request = vaeTiling ? given.vaeTiling(true) : given;
        GuidanceOptions guidance = request.guidance();
        request = tiling ? request.tiling(true) : request;
        if (skipLate != null && ngms != null) {
            throw new IllegalArgumentException("--skip-late-cfg skips all that --ngms would: leave one of them out");
        }
        Double minSigma = skipLate != null ? skipLate : ngms;
        request = request.guidance(new GuidanceOptions(
                skipEarly != null ? skipEarly : guidance.skipEarly(),
                minSigma != null ? minSigma : guidance.minSigma(),
                minSigma != null ? skipLate != null : guidance.minSigmaAll(),
                split || guidance.split()));
        Acceleration acceleration = request.acceleration();
        request = request.acceleration(new Acceleration(
                cacheInterval != null ? cacheInterval : acceleration.cacheInterval(),
                cacheDepth != null ? cacheDepth : acceleration.cacheDepth(),
                mergedTokens != null ? mergedTokens : acceleration.mergedTokens(),
                mergedTokens != null ? 0 : acceleration.mergedTokensOfHires()));
        request = padding != null ? request.padding(padding) : request;
        request = commaBacktrack != null ? request.commaBacktrack(commaBacktrack) : request;
        request = refinerAt != null ? request.refinerSwitchAt(refinerAt) : request;
        return rng != null ? request.rng(rng) : request;
    }
}
