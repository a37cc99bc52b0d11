package dev.atelier.diffusion;

import dev.atelier.model.DiffusionModel;
import org.jspecify.annotations.Nullable;

/**
 * One of a request's runs through the sampler.
 *
 * @param calls how often the network would be called from noise to picture
 * @param times when prompt editing switches
 */
record Pass(
        DiffusionModel model,
        SamplerChoice sampler,
        NoiseSchedule schedule,
        Levels levels,
        Size size,
        int calls,
        EditingTimes times,
        double cfgScale,
        GuidanceOptions guidance,
        Acceleration acceleration,
        String prompt,
        String negativePrompt) {
    private static final int LATENT_CHANNELS = 4;

    /** From noise, or from the request's picture. */
    static Pass first(DiffusionModel model, GenerationRequest request) {
        SamplerChoice sampler = request.sampler();
        NoiseSchedule schedule = schedule(model, sampler, request.noiseTable());
        ImageToImage from = request.imageToImage();
        Levels levels = from == null
                ? Levels.fromNoise(sampler, schedule, request.samplerOptions(), request.steps())
                : Levels.fromPicture(
                        sampler,
                        schedule,
                        request.samplerOptions(),
                        Strength.of(from.denoisingStrength(), request.steps(), from.exactSteps()),
                        from.extraNoise());
        return new Pass(
                model,
                sampler,
                schedule,
                levels,
                new Size(request.width(), request.height()),
                calls(sampler, request.steps()),
                times(request),
                request.cfgScale(),
                guidance(request, sampler),
                request.acceleration(),
                request.prompt(),
                request.negativePrompt());
    }

    /** Over the enlarged picture of the first; null if there is none. */
    static @Nullable Pass second(DiffusionModel model, GenerationRequest request) {
        HiresFix hires = request.hiresFix();
        if (hires == null) {
            return null;
        }
        SamplerChoice ofSecond = hires.sampler();
        SamplerChoice sampler = ofSecond != null ? ofSecond : request.sampler();
        NoiseSchedule schedule = schedule(model, sampler, request.noiseTable());
        int steps = hires.steps() > 0 ? hires.steps() : request.steps();
        return new Pass(
                model,
                sampler,
                schedule,
                Levels.fromPicture(
                        sampler,
                        schedule,
                        request.samplerOptions(),
                        Strength.of(hires.denoisingStrength(), steps, true),
                        hires.extraNoise()),
                Enlargement.finalSize(hires, new Size(request.width(), request.height()), model.spatialFactor()),
                calls(sampler, steps),
                times(request).second(calls(sampler, steps)),
                request.cfgScale(),
                guidance(request, sampler),
                request.acceleration().ofHires(),
                hires.prompt().isEmpty() ? request.prompt() : hires.prompt(),
                hires.negativePrompt().isEmpty() ? request.negativePrompt() : hires.negativePrompt());
    }

    /** For samplers whose latents have a variance of 1 AUTOMATIC1111 compares the wrong number, and skips nothing late. */
    private static GuidanceOptions guidance(GenerationRequest request, SamplerChoice sampler) {
        GuidanceOptions options = request.guidance();
        return sampler.name().space() == LatentSpace.VARIANCE_EXPLODING
                ? options
                : new GuidanceOptions(options.skipEarly(), 0, false, options.split());
    }

    private static NoiseSchedule schedule(DiffusionModel model, SamplerChoice sampler, NoiseTable table) {
        return sampler.name()
                .schedule(new NoiseSchedule(table.of(model.alphasCumprod()), AlignYourSteps.of(model.family())));
    }

    int steps() {
        return levels.steps();
    }

    private static EditingTimes times(GenerationRequest request) {
        return EditingTimes.first(calls(request.sampler(), request.steps()), request.oldTimelines());
    }

    private static int calls(SamplerChoice sampler, int steps) {
        return sampler.name().has(SamplerTrait.SECOND_ORDER) ? 2 * steps : steps;
    }

    /** {@code [channels, height, width]} of a picture's latent. */
    int[] shape() {
        return new int[] {LATENT_CHANNELS, size.height() / model.spatialFactor(), size.width() / model.spatialFactor()};
    }

    /** The network of this model with guidance, for one run. */
    Denoiser denoiser(Prompts prompts, @Nullable InpaintingInput input, Controls controls) {
        return denoiser(model, prompts, input, controls, 0);
    }

    /**
     * Another model's network with guidance, for one run on the noise levels of this one.
     *
     * @param before how many calls were made before it takes over
     */
    Denoiser denoiser(
            DiffusionModel network, Prompts prompts, @Nullable InpaintingInput input, Controls controls, int before) {
        SamplerName name = sampler.name();
        Shortcuts shortcuts = new Shortcuts(acceleration);
        ClassifierFreeGuidance guided = new ClassifierFreeGuidance(
                conditioning -> name.denoiser(
                        new NetworkDenoiser(
                                network,
                                schedule,
                                input == null ? conditioning : input.beside(conditioning),
                                shortcuts,
                                controls),
                        schedule),
                prompts,
                name.guidance(cfgScale),
                guidance,
                calls());
        return shortcuts.counting(guided.after(before));
    }
}
