package dev.atelier.server.studio;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.worker.GenerateTask;
import dev.atelier.server.worker.StartImage;
import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What to draw, in the words of the web page. What is left out is as on AUTOMATIC1111's.
 *
 * @param model a name or an expression; null for the first model
 * @param sampler label, with the scheduler's behind it or not
 * @param seed −1 or nothing for a random one
 * @param hires null for one pass
 * @param start null for text to image
 */
record PictureRequest(
        @Nullable String model,
        @Nullable String prompt,
        @Nullable String negativePrompt,
        @Nullable Integer steps,
        @Nullable String sampler,
        @Nullable String scheduler,
        @Nullable Double cfgScale,
        @Nullable Long seed,
        @Nullable Integer width,
        @Nullable Integer height,
        @Nullable Integer batchSize,
        @Nullable Integer batchCount,
        @Nullable Integer clipSkip,
        @Nullable Hires hires,
        @Nullable Start start) {

    /** @param upscaler label */
    record Hires(
            @Nullable String upscaler,
            @Nullable Double scale,
            @Nullable Integer steps,
            @Nullable Double denoisingStrength) {
        private HiresFix hiresFix() {
            HiresFix hires = HiresFix.by(scale == null ? 2 : scale);
            hires = upscaler == null ? hires : hires.upscaler(Upscaler.named(upscaler));
            hires = steps == null ? hires : hires.steps(steps);
            return denoisingStrength == null ? hires : hires.denoisingStrength(denoisingStrength);
        }
    }

    /**
     * @param image base64, with or without {@code data:image/png;base64,} before it
     * @param resizeMode as AUTOMATIC1111 labels it
     * @param mask null to draw all of it anew
     */
    record Start(
            String image,
            @Nullable Double denoisingStrength,
            @Nullable String resizeMode,
            @Nullable Mask mask) {

        private StartImage startImage(Function<String, String> keep) {
            return new StartImage(
                    keep.apply(image),
                    denoisingStrength == null ? 0.75 : denoisingStrength,
                    resizeMode == null
                            ? ResizeMode.JUST_RESIZE
                            : labelled("resizeMode", ResizeMode.values(), ResizeMode::label, resizeMode),
                    false,
                    1,
                    mask == null ? null : mask.mask(keep));
        }
    }

    /**
     * @param image white where something is to be drawn anew
     * @param content as AUTOMATIC1111 labels it
     * @param padding draws only the mask's surroundings, with so many pixels around; null draws the whole picture
     */
    record Mask(
            String image,
            @Nullable String content,
            @Nullable Integer blur,
            @Nullable Boolean inverted,
            @Nullable Integer padding) {

        private StartImage.Mask mask(Function<String, String> keep) {
            int edge = blur == null ? 4 : blur;
            return new StartImage.Mask(
                    keep.apply(image),
                    content == null
                            ? MaskedContent.ORIGINAL
                            : labelled("content", MaskedContent.values(), MaskedContent::label, content),
                    edge,
                    edge,
                    inverted != null && inverted,
                    padding == null ? -1 : padding,
                    true,
                    1);
        }
    }

    /**
     * The job's request.
     *
     * @param keep stores a picture and gives its key
     * @throws IllegalArgumentException naming the field that cannot be used
     */
    GenerateTask task(String standardModel, Function<String, String> keep) {
        return new GenerateTask(
                        model == null || model.isBlank() ? standardModel : model.strip(),
                        prompt,
                        negativePrompt,
                        steps,
                        sampler,
                        scheduler,
                        cfgScale,
                        seed,
                        width,
                        height,
                        batchSize,
                        batchCount,
                        clipSkip,
                        null,
                        null,
                        null,
                        null,
                        null,
                        hires == null ? null : hires.hiresFix(),
                        start == null ? null : start.startImage(keep),
                        null)
                .ready();
    }

    /** The same of another model. */
    PictureRequest with(String otherModel) {
        return new PictureRequest(
                otherModel,
                prompt,
                negativePrompt,
                steps,
                sampler,
                scheduler,
                cfgScale,
                seed,
                width,
                height,
                batchSize,
                batchCount,
                clipSkip,
                hires,
                start);
    }

    /** With a seed, so that several pictures can have the same. */
    PictureRequest seeded() {
        return seed != null && seed != -1
                ? this
                : new PictureRequest(
                        model,
                        prompt,
                        negativePrompt,
                        steps,
                        sampler,
                        scheduler,
                        cfgScale,
                        GenerationRequest.randomSeed(),
                        width,
                        height,
                        batchSize,
                        batchCount,
                        clipSkip,
                        hires,
                        start);
    }

    /** What a picture's infotext says, of this model. */
    static PictureRequest of(GenerationRequest request, @Nullable String model) {
        SamplerChoice sampler = request.sampler();
        HiresFix hires = request.hiresFix();
        return new PictureRequest(
                model,
                request.prompt(),
                request.negativePrompt(),
                request.steps(),
                sampler.name().label(),
                sampler.scheduler().label(),
                request.cfgScale(),
                request.seed(),
                request.width(),
                request.height(),
                1,
                1,
                request.clipSkip(),
                hires == null
                        ? null
                        : new Hires(hires.upscaler().label(), hires.scale(), hires.steps(), hires.denoisingStrength()),
                null);
    }

    private static <E> E labelled(String field, E[] values, Function<E, String> label, String wanted) {
        return Arrays.stream(values)
                .filter(value -> label.apply(value).equals(wanted))
                .findFirst()
                .orElseThrow(() -> new HttpError(
                        422,
                        "%s \"%s\" is not known; there are %s"
                                .formatted(
                                        field,
                                        wanted,
                                        Arrays.stream(values).map(label).collect(Collectors.joining(", ")))));
    }
}
