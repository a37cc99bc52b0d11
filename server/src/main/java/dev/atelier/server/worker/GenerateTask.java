package dev.atelier.server.worker;

import dev.atelier.diffusion.EmphasisMode;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.NoiseSource;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.diffusion.SamplerOptions;
import dev.atelier.diffusion.Size;
import dev.atelier.diffusion.Variation;
import org.jspecify.annotations.Nullable;

/**
 * The request of a job that draws pictures: every API's request ends up as one of these. What is left out is as on
 * AUTOMATIC1111's web page.
 *
 * @param model a model of the shelf or an expression of several; null for the first of the shelf
 * @param seed of the first picture; −1 or nothing draws one, before the job is queued
 * @param batchSize pictures that are drawn together
 * @param batchCount how many times, with seeds that count on
 * @param rng {@code NV} or {@code CPU}
 * @param emphasis the label of an {@link EmphasisMode}
 * @param start null for text to image
 * @param extras null for none
 */
public record GenerateTask(
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
        @Nullable String rng,
        @Nullable SamplerOptions samplerOptions,
        @Nullable String emphasis,
        @Nullable Variation variation,
        @Nullable Size seedResizeFrom,
        @Nullable HiresFix hiresFix,
        @Nullable StartImage start,
        @Nullable Extras extras) {
    private static final int MAX_PROMPT = 50_000;

    /** The same with what few requests have. */
    public GenerateTask with(Extras others) {
        return with(model, seed, others.equals(Extras.NONE) ? null : others);
    }

    /** The same picture of another model. */
    public GenerateTask with(String otherModel) {
        return with(otherModel, seed, extras);
    }

    /**
     * With a seed, and checked but for its pictures.
     *
     * @throws IllegalArgumentException naming the field that cannot be used
     */
    public GenerateTask ready() {
        return with(model, request().seed(), extras);
    }

    private GenerateTask with(@Nullable String otherModel, @Nullable Long otherSeed, @Nullable Extras others) {
        return new GenerateTask(
                otherModel,
                prompt,
                negativePrompt,
                steps,
                sampler,
                scheduler,
                cfgScale,
                otherSeed,
                width,
                height,
                batchSize,
                batchCount,
                clipSkip,
                rng,
                samplerOptions,
                emphasis,
                variation,
                seedResizeFrom,
                hiresFix,
                start,
                others);
    }

    GenerationRequest request(Pictures pictures) {
        GenerationRequest request = request();
        request = start == null ? request : request.imageToImage(start.imageToImage(pictures));
        return extras == null
                ? request
                : request.controls(extras.controls().stream()
                        .map(control -> control.unit(pictures))
                        .toList());
    }

    private GenerationRequest request() {
        requireReadable("prompt", prompt);
        requireReadable("negative prompt", negativePrompt);
        GenerationRequest request = GenerationRequest.of(prompt == null ? "" : prompt)
                .negativePrompt(negativePrompt == null ? "" : negativePrompt)
                .seedResizeFrom(seedResizeFrom)
                .hiresFix(hiresFix);
        request = steps == null ? request : request.steps(steps);
        request = cfgScale == null ? request : request.cfgScale(cfgScale);
        request = request.size(width == null ? request.width() : width, height == null ? request.height() : height);
        request = batchSize == null ? request : request.batchSize(batchSize);
        request = batchCount == null ? request : request.iterations(batchCount);
        request = clipSkip == null ? request : request.clipSkip(clipSkip);
        request = rng == null ? request : request.rng(NoiseSource.valueOf(rng));
        request = samplerOptions == null ? request : request.samplerOptions(samplerOptions);
        request = emphasis == null ? request : request.emphasis(EmphasisMode.named(emphasis));
        request = variation == null ? request : request.variation(variation);
        request = extras == null ? request : extras.applyTo(request);
        request = sampler == null ? request : request.sampler(SamplerChoice.named(sampler, scheduler));
        return seed == null || seed == -1 ? request : request.seed(seed);
    }

    /** Longer ones take longer to read than to draw. */
    private static void requireReadable(String field, @Nullable String text) {
        if (text != null && text.length() > MAX_PROMPT) {
            throw new IllegalArgumentException(
                    "%s must have at most %d characters, but has %d".formatted(field, MAX_PROMPT, text.length()));
        }
    }
}
