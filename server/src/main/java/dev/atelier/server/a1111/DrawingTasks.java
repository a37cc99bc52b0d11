package dev.atelier.server.a1111;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.diffusion.SdUpscale;
import dev.atelier.diffusion.Size;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.diffusion.Variation;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.worker.Extras;
import dev.atelier.server.worker.GenerateTask;
import dev.atelier.server.worker.StartImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What a request of {@code txt2img} or {@code img2img} asks for, as a job. */
record DrawingTasks(Options options, EncodedImages images, Styles styles, Upscalers upscalers) {
    private static final Pattern NETWORK = Pattern.compile("<\\w+:[^<>]+>");

    private static final double OLD_PIXELS = 512 * 512; // of a first pass whose second has the size of the request

    GenerateTask task(Values values) throws IOException {
        boolean fromPicture = values.isKnown("init_images");
        String model = options.withVae(model(values), values.json("override_settings"));
        return ready(task(values, model, fromPicture ? null : hiresFix(values), fromPicture ? start(values) : null)
                .with(extras(values)));
    }

    String prompt(Values values) {
        return networks(values, styles.prompt(values.textOrEmpty("prompt"), styles(values)));
    }

    String negativePrompt(Values values) {
        return networks(values, styles.negativePrompt(values.textOrEmpty("negative_prompt"), styles(values)));
    }

    /** The prompt, without LoRAs where they are not wanted. */
    private static String networks(Values values, String prompt) {
        return values.isTrue("disable_extra_networks") ? NETWORK.matcher(prompt).replaceAll("") : prompt;
    }

    static List<String> styles(Values values) {
        JsonNode names = values.json("styles");
        List<String> styles = new ArrayList<>();
        if (names != null) {
            names.forEach(name -> styles.add(name.asString("")));
        }
        return styles;
    }

    private Extras extras(Values values) throws IOException {
        RequestSettings settings = new RequestSettings(options, values);
        long delta = (long) settings.number("eta_noise_seed_delta");
        try {
            return new Extras(
                    ControlUnits.of(values.json("alwayson_scripts"), images),
                    settings.guidance(),
                    values.isKnown("image_cfg_scale") ? values.number("image_cfg_scale") : null,
                    hiresModel(values),
                    refiner(values),
                    values.number("refiner_switch_at"),
                    settings.acceleration(values.isKnown("init_images")),
                    settings.tiling() ? true : null,
                    delta == 0 ? null : delta,
                    settings.sdxl(),
                    settings.padding(),
                    settings.commaBacktrack(),
                    Script.isSdUpscale(values) ? sdUpscale(values.json("script_args")) : null,
                    OutpaintingScript.of(values),
                    settings.noiseTable(),
                    settings.isTrue("use_old_scheduling") ? true : null);
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
    }

    private SdUpscale sdUpscale(@Nullable JsonNode given) {
        ScriptArguments arguments = ScriptArguments.of(Script.sdUpscale(List.of()), given);
        JsonNode upscaler = arguments.json(2);
        return new SdUpscale(
                arguments.number(3),
                upscaler.isNumber() ? upscalers.ofPixels(upscaler.intValue()) : upscalers.ofPixels(arguments.text(2)),
                arguments.whole(1));
    }

    private @Nullable String hiresModel(Values values) {
        String name = values.textOrEmpty("hr_checkpoint_name");
        boolean isSame = name.isEmpty() || name.equals("None") || name.equals("Use same checkpoint");
        if (isSame || !values.isTrue("enable_hr")) {
            return null;
        }
        String found = found(name);
        return found.equals(model(values)) ? null : found;
    }

    private @Nullable String refiner(Values values) {
        String name = values.textOrEmpty("refiner_checkpoint");
        if (name.isEmpty() || name.equals("None") || values.number("refiner_switch_at", 1) >= 1) {
            return null;
        }
        return found(name);
    }

    private String found(String name) {
        return options.find(name)
                .map(ModelFile::name)
                .orElseThrow(() -> new HttpError(500, "Could not find checkpoint with name %s".formatted(name)));
    }

    /**
     * The one that {@code override_settings} names, where that is an exact alias or an expression of models; otherwise
     * the selected one.
     */
    String model(Values values) {
        JsonNode overrides = values.json("override_settings");
        JsonNode name = overrides == null ? null : overrides.get(Options.CHECKPOINT);
        if (name != null && name.isString()) {
            Optional<ModelFile> file = options.find(name.stringValue());
            if (file.isPresent()) {
                return file.get().name();
            }
            if (options.isExpression(name.stringValue())) {
                return name.stringValue();
            }
        }
        return options.selected().name();
    }

    private static GenerateTask ready(GenerateTask task) {
        try {
            return task.ready();
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
    }

    private GenerateTask task(Values values, String model, @Nullable HiresFix hiresFix, @Nullable StartImage start) {
        SamplerChoice sampler = sampler(values, "sampler_name", "scheduler");
        RequestSettings settings = new RequestSettings(options, values);
        double strength = values.number("subseed_strength", 0);
        long subseed = values.integer("subseed", -1);
        try {
            return new GenerateTask(
                    model,
                    prompt(values),
                    negativePrompt(values),
                    count(values, "steps", 50),
                    sampler.name().label(),
                    sampler.scheduler().id(),
                    values.number("cfg_scale"),
                    values.integer("seed"),
                    firstSide(values, settings, "width"),
                    firstSide(values, settings, "height"),
                    Math.max(count(values, "batch_size", 1), pictures(values)),
                    count(values, "n_iter", 1),
                    settings.clipSkip(),
                    "CPU".equals(settings.text("randn_source")) ? "CPU" : "NV",
                    settings.samplerOptions(sampler.name()),
                    settings.text("emphasis"),
                    strength == 0
                            ? null
                            : new Variation(subseed == -1 ? GenerationRequest.randomSeed() : subseed, strength),
                    seedResizeFrom(values),
                    hiresFix,
                    start,
                    null);
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
    }

    private static SamplerChoice sampler(Values values, String sampler, String scheduler) {
        String name = values.textOrEmpty(sampler);
        return Samplers.choose(name.isEmpty() ? values.textOrEmpty("sampler_index") : name, values.text(scheduler));
    }

    private static int count(Values values, String field, long standard) {
        return Math.clamp(values.integer(field, standard), -1, Integer.MAX_VALUE);
    }

    private static @Nullable Size seedResizeFrom(Values values) {
        long width = values.integer("seed_resize_from_w", -1);
        long height = values.integer("seed_resize_from_h", -1);
        return width > 0 && height > 0 ? new Size(side(width), side(height)) : null;
    }

    private @Nullable HiresFix hiresFix(Values values) {
        if (!values.isTrue("enable_hr")) {
            return null;
        }
        String sampler = values.textOrEmpty("hr_sampler_name");
        RequestSettings settings = new RequestSettings(options, values);
        boolean areFinal = sizesAreFinal(values, settings);
        boolean isSame = sampler.isEmpty() || sampler.equals("Use same sampler");
        try {
            return new HiresFix(
                    upscalers.ofHiresFix(values.textOrEmpty("hr_upscaler")),
                    values.number("hr_scale", 2),
                    side(areFinal ? values.integer("width", 512) : values.integer("hr_resize_x", 0)),
                    side(areFinal ? values.integer("height", 512) : values.integer("hr_resize_y", 0)),
                    count(values, "hr_second_pass_steps", 0),
                    values.number("denoising_strength", 0.75),
                    isSame ? null : sampler(values, "hr_sampler_name", "hr_scheduler"),
                    values.textOrEmpty("hr_prompt"),
                    values.textOrEmpty("hr_negative_prompt"),
                    extraNoise(values));
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
    }

    /** How many pictures to start from. AUTOMATIC1111 refuses more than the batch size; here the batch grows with them. */
    private static int pictures(Values values) {
        JsonNode images = values.isKnown("init_images") ? values.json("init_images") : null;
        return images == null || images.size() == 1 ? 0 : images.size();
    }

    private StartImage start(Values values) throws IOException {
        JsonNode images = values.json("init_images");
        if (images == null || images.isEmpty()) {
            throw new HttpError(404, "Init image not found");
        }
        List<String> keys = new ArrayList<>();
        for (JsonNode image : images) {
            keys.add(this.images.store(image.asString("")));
        }
        Long blur = values.integer("mask_blur");
        // these scripts have masks of their own
        String mask = OutpaintingScript.method(values).isPresent() ? "" : values.textOrEmpty("mask");
        RequestSettings settings = new RequestSettings(options, values);
        int padding = values.isTrue("inpaint_full_res") ? count(values, "inpaint_full_res_padding", 0) : -1;
        return new StartImage(
                keys.getFirst(),
                values.number("denoising_strength", 0.75),
                List.of(ResizeMode.values()).get((int) values.integer("resize_mode", 0)),
                settings.isTrue("img2img_fix_steps"),
                values.number("initial_noise_multiplier", settings.number("initial_noise_multiplier")),
                mask.isEmpty()
                        ? null
                        : new StartImage.Mask(
                                this.images.store(mask),
                                List.of(MaskedContent.values()).get((int) values.integer("inpainting_fill", 0)),
                                blur == null ? count(values, "mask_blur_x", 4) : Math.clamp(blur, -1, 1 << 20),
                                blur == null ? count(values, "mask_blur_y", 4) : Math.clamp(blur, -1, 1 << 20),
                                values.integer("inpainting_mask_invert", 0) != 0,
                                padding,
                                values.isTrue("mask_round"),
                                Math.clamp(settings.number("inpainting_mask_weight"), 0, 1),
                                SoftInpaintingScript.of(values.json("alwayson_scripts"))),
                keys.size() == 1 ? null : keys.subList(1, keys.size()),
                extraNoise(values),
                upscaler(values),
                settings.isTrue("img2img_color_correction") ? true : null);
    }

    private double extraNoise(Values values) {
        return Math.clamp(new RequestSettings(options, values).number("img2img_extra_noise"), 0, 1);
    }

    /** What makes pictures to start from larger; null for plain resizing. */
    private @Nullable Upscaler upscaler(Values values) {
        String name = new RequestSettings(options, values).text("upscaler_for_img2img");
        return name == null || upscalers.ofPixels(name).equals(Upscaler.NONE) ? null : upscalers.ofPixels(name);
    }

    /** Of the first pass, which old clients of the hires fix give a size of its own. */
    private static int firstSide(Values values, RequestSettings settings, String side) {
        if (sizesAreFinal(values, settings)) {
            double pixels = (double) values.integer("width", 512) * values.integer("height", 512);
            return (int) Math.ceil(Math.sqrt(OLD_PIXELS / pixels) * values.integer(side, 512) / 64) * 64;
        }
        boolean isGiven = values.isKnown("firstphase_width")
                && (values.integer("firstphase_width", 0) != 0 || values.integer("firstphase_height", 0) != 0);
        return side(isGiven ? values.integer("firstphase_" + side, 0) : values.integer(side, 512));
    }

    /** Whether the sides are those of a hires fix's second pass. */
    private static boolean sizesAreFinal(Values values, RequestSettings settings) {
        return values.isTrue("enable_hr") && settings.isTrue("use_old_hires_fix_width_height");
    }

    /** AUTOMATIC1111 cuts sides to whole latent cells. */
    private static int side(long pixels) {
        return Math.clamp(pixels, 0, 1 << 20) / 8 * 8;
    }
}
