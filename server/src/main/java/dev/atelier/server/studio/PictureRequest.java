package dev.atelier.server.studio;

import dev.atelier.diffusion.Acceleration;
import dev.atelier.diffusion.ControlMode;
import dev.atelier.diffusion.Extraction;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.diffusion.Variation;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelShelf;
import dev.atelier.server.worker.ControlPicture;
import dev.atelier.server.worker.Extras;
import dev.atelier.server.worker.GenerateTask;
import dev.atelier.server.worker.StartImage;
import java.util.Arrays;
import java.util.List;
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
 * @param variation mixes in another seed's noise; null for none
 * @param refiner a second model that finishes the picture; null for none
 * @param controls pictures that a ControlNet lets decide
 * @param vae a model whose VAE takes the place of the model's own; null for none
 * @param tiling whether the picture is a tile of an endless pattern
 * @param cacheInterval DeepCache: only every so many-th step runs all of the network
 * @param mergedTokens the share of tokens that attention does without
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
        @Nullable Start start,
        @Nullable Shift variation,
        @Nullable Refiner refiner,
        @Nullable List<Control> controls,
        @Nullable String vae,
        @Nullable Boolean tiling,
        @Nullable Integer cacheInterval,
        @Nullable Double mergedTokens) {

    /**
     * @param seed −1 or nothing for a random one
     * @param strength 0 to 1
     */
    record Shift(@Nullable Long seed, double strength) {
        private @Nullable Variation variation() {
            return strength == 0
                    ? null
                    : new Variation(seed == null || seed == -1 ? GenerationRequest.randomSeed() : seed, strength);
        }
    }

    /** @param at when it takes over, as a share of the way; 0.8 if nothing is said */
    record Refiner(String model, @Nullable Double at) {}

    /**
     * @param model a ControlNet
     * @param image base64; null for the picture that is started from
     * @param module what is made of the picture first
     * @param start when it begins, as a share of the way
     * @param mode as AUTOMATIC1111's ControlNet extension labels it
     */
    record Control(
            String model,
            @Nullable String image,
            @Nullable String module,
            @Nullable Double weight,
            @Nullable Double start,
            @Nullable Double end,
            @Nullable String mode,
            @Nullable String resizeMode) {

        private ControlPicture picture(Function<String, ModelFile> shelf, Function<String, String> keep) {
            return new ControlPicture(
                    shelf.apply(model).stem(),
                    image == null || image.isBlank() ? null : keep.apply(image),
                    Extraction.named(module == null ? "" : module),
                    weight == null ? 1 : weight,
                    start == null ? 0 : start,
                    end == null ? 1 : end,
                    mode == null
                            ? ControlMode.BALANCED
                            : labelled("mode", ControlMode.values(), ControlMode::label, mode),
                    resizeMode == null
                            ? ResizeMode.CROP_AND_RESIZE
                            : labelled("resizeMode", ResizeMode.values(), ResizeMode::label, resizeMode));
        }
    }

    /** @param upscaler label */
    record Hires(
            @Nullable String upscaler,
            @Nullable Double scale,
            @Nullable Integer steps,
            @Nullable Double denoisingStrength) {
        private HiresFix hiresFix(ModelShelf shelf) {
            HiresFix hires = HiresFix.by(scale == null ? 2 : scale);
            hires = upscaler == null ? hires : hires.upscaler(shelf.upscaler(upscaler));
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
     * @param shelf finds a model by its name, or says that there is none
     * @param keep stores a picture and gives its key
     * @throws IllegalArgumentException naming the field that cannot be used
     */
    GenerateTask task(ModelShelf shelf, Function<String, String> keep) {
        Function<String, ModelFile> find = find(shelf);
        return new GenerateTask(
                        drawnBy(
                                model == null || model.isBlank()
                                        ? shelf.list().getFirst().name()
                                        : model.strip(),
                                shelf),
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
                        variation == null ? null : variation.variation(),
                        null,
                        hires == null ? null : hires.hiresFix(shelf),
                        start == null ? null : start.startImage(keep),
                        null)
                .with(extras(find, keep))
                .ready();
    }

    /** The model with the request's VAE in it, where that names one. */
    String drawnBy(String named, ModelShelf shelf) {
        return vae == null || vae.isBlank()
                ? named
                : shelf.withVae(named, find(shelf).apply(vae));
    }

    private static Function<String, ModelFile> find(ModelShelf shelf) {
        return name -> shelf.findFile(name.strip())
                .orElseThrow(() -> new HttpError(422, "there is no model \"%s\"".formatted(name)));
    }

    private Extras extras(Function<String, ModelFile> find, Function<String, String> keep) {
        Acceleration acceleration = new Acceleration(
                cacheInterval == null ? 1 : cacheInterval, 1, mergedTokens == null ? 0 : mergedTokens, 0);
        Refiner second = refiner == null || refiner.model().isBlank() ? null : refiner;
        return new Extras(
                controls == null
                        ? List.of()
                        : controls.stream()
                                .map(control -> control.picture(find, keep))
                                .toList(),
                null,
                null,
                null,
                second == null ? null : find.apply(second.model()).name(),
                second == null ? null : Double.valueOf(second.at() == null ? 0.8 : second.at()),
                acceleration.equals(Acceleration.NONE) ? null : acceleration,
                Boolean.TRUE.equals(tiling) ? true : null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null);
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
                null,
                request.variation().strength() == 0
                        ? null
                        : new Shift(
                                request.variation().seed(), request.variation().strength()),
                null,
                null,
                null,
                request.tiling() ? true : null,
                request.acceleration().cacheInterval() == 1
                        ? null
                        : request.acceleration().cacheInterval(),
                request.acceleration().mergedTokens() == 0
                        ? null
                        : request.acceleration().mergedTokens());
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
