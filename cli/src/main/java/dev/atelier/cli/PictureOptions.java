package dev.atelier.cli;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.Infotext;
import dev.atelier.diffusion.PngFile;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What every picture has. Whatever is not given is taken from {@code --from}, or is the default. */
final class PictureOptions {
    @Option(
            names = "--from",
            paramLabel = "PNG",
            description = "Take the prompt and settings of a picture that Atelier or AUTOMATIC1111 drew.")
    @Nullable
    Path from;

    @Option(
            names = {"-n", "--negative"},
            paramLabel = "TEXT",
            description = "What to stay away from.")
    private @Nullable String negative;

    @Option(names = "--steps", paramLabel = "N", description = "Sampling steps. Default: 20.")
    private @Nullable Integer steps;

    @Option(
            names = "--sampler",
            paramLabel = "NAME",
            description =
                    "A sampler by the name that AUTOMATIC1111 gives it (\"Euler a\", \"DDIM\", \"UniPC\", …), with a "
                            + "schedule type behind it (\"Karras\", \"SGM Uniform\", …) or without. "
                            + "Default: DPM++ 2M Karras.")
    private @Nullable String sampler;

    @Option(
            names = "--cfg",
            paramLabel = "SCALE",
            description = "How strongly the prompt guides; 1 is not at all. Default: 7.")
    private @Nullable Double cfg;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Seed of the first picture. Default: a random one, which is printed.")
    @Nullable
    Long seed;

    @Option(
            names = "--width",
            paramLabel = "PIXELS",
            description = "A multiple of 8. Default: what the model was trained on.")
    private @Nullable Integer width;

    @Option(
            names = "--height",
            paramLabel = "PIXELS",
            description = "A multiple of 8. Default: what the model was trained on.")
    private @Nullable Integer height;

    @Option(
            names = "--batch",
            paramLabel = "N",
            description = "Pictures to draw at once, with consecutive seeds. Default: 1.")
    private @Nullable Integer batch;

    @Option(
            names = "--count",
            paramLabel = "N",
            description = "How many batches to draw, one after the other. Default: 1.")
    private @Nullable Integer count;

    @Option(
            names = "--clip-skip",
            paramLabel = "N",
            description = "At which layer from the end the text encoder stops (SD 1.x). Default: 1, the last.")
    private @Nullable Integer clipSkip;

    boolean isSized() {
        return width != null || height != null;
    }

    GenerationRequest request(@Nullable String prompt) throws IOException {
        GenerationRequest request = start();
        if (prompt != null) {
            request = request.prompt(prompt);
        } else if (from == null) {
            throw new IllegalArgumentException("say what to draw, or give a picture --from which to take the settings");
        }
        request = negative != null ? request.negativePrompt(negative) : request;
        request = steps != null ? request.steps(steps) : request;
        request = sampler != null ? request.sampler(sampler) : request;
        request = cfg != null ? request.cfgScale(cfg) : request;
        request = seed != null ? request.seed(seed) : request;
        request = batch != null ? request.batchSize(batch) : request;
        request = count != null ? request.iterations(count) : request;
        request = clipSkip != null ? request.clipSkip(clipSkip) : request;
        return request.size(width != null ? width : request.width(), height != null ? height : request.height());
    }

    private GenerationRequest start() throws IOException {
        if (from == null) {
            return GenerationRequest.of("");
        }
        return Infotext.parse(PngFile.readInfotext(from)
                        .orElseThrow(() -> new IllegalArgumentException(from + " does not say how it was made")))
                .request();
    }
}
