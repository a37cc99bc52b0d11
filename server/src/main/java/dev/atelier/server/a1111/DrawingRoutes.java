package dev.atelier.server.a1111;

import dev.atelier.Atelier;
import dev.atelier.diffusion.Acceleration;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.GuidanceOptions;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.Infotext;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.PngFile;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.diffusion.SamplerName;
import dev.atelier.diffusion.SamplerOptions;
import dev.atelier.diffusion.ScheduleOptions;
import dev.atelier.diffusion.SdUpscale;
import dev.atelier.diffusion.Size;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.diffusion.Variation;
import dev.atelier.server.db.Json;
import dev.atelier.server.http.Answer;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.worker.Extras;
import dev.atelier.server.worker.GenerateResult;
import dev.atelier.server.worker.GenerateTask;
import dev.atelier.server.worker.StartImage;
import io.javalin.http.Context;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code txt2img} and {@code img2img}: a request becomes a job, and the call waits for it. */
final class DrawingRoutes {
    private static final int MAX_BODY = 128 << 20;
    private static final Pattern NETWORK = Pattern.compile("<\\w+:[^<>]+>");
    private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("yyyyMMddHHmmss");

    private final Jobs jobs;
    private final FinishedJobs finished;
    private final EncodedImages images;
    private final Options options;
    private final Styles styles;
    private final Upscalers upscalers;
    private final TaskIds taskIds;

    DrawingRoutes(
            Jobs jobs,
            FinishedJobs finished,
            EncodedImages images,
            Options options,
            Styles styles,
            Upscalers upscalers,
            TaskIds taskIds) {
        this.jobs = jobs;
        this.finished = finished;
        this.images = images;
        this.options = options;
        this.styles = styles;
        this.upscalers = upscalers;
        this.taskIds = taskIds;
    }

    /** What a request has become. */
    private record Drawn(Values values, GenerateTask task, GenerateResult result) {}

    void txt2img(Context context) throws IOException, InterruptedException {
        Values values = Requests.TXT2IMG.read(InfotextFields.fill(Body.text(context, MAX_BODY)));
        draw(context, values, "txt2img", values.echo());
    }

    void img2img(Context context) throws IOException, InterruptedException {
        Values values = Requests.IMG2IMG.read(InfotextFields.fill(Body.text(context, MAX_BODY)));
        // a client in Java refuses fields that it does not know, so it gets back those that it sent
        ObjectNode echo = values.echoGiven();
        if (!values.isTrue("include_init_images")) {
            List.of("init_images", "mask").forEach(name -> {
                if (echo.has(name)) {
                    echo.putNull(name);
                }
            });
        }
        draw(context, values, "img2img", echo);
    }

    private GenerateTask task(Values values) throws IOException {
        boolean fromPicture = values.isKnown("init_images");
        if (!fromPicture) {
            refuseOtherHiresModel(values);
        }
        String model = options.withVae(model(values), values.json("override_settings"));
        return ready(task(values, model, fromPicture ? null : hiresFix(values), fromPicture ? start(values) : null)
                .with(extras(values)));
    }

    private void refuseOtherHiresModel(Values values) {
        String name = values.textOrEmpty("hr_checkpoint_name");
        boolean isSame = name.isEmpty() || name.equals("None") || name.equals("Use same checkpoint");
        if (values.isTrue("enable_hr")
                && !isSame
                && !options.find(name).map(ModelFile::name).equals(Optional.of(model(values)))) {
            throw new HttpError(
                    422, "hr_checkpoint_name: the second pass is drawn with the same checkpoint; leave it out");
        }
    }

    private String prompt(Values values) {
        return networks(values, styles.prompt(values.textOrEmpty("prompt"), styles(values)));
    }

    private String negativePrompt(Values values) {
        return networks(values, styles.negativePrompt(values.textOrEmpty("negative_prompt"), styles(values)));
    }

    /** The prompt, without LoRAs where they are not wanted. */
    private static String networks(Values values, String prompt) {
        return values.isTrue("disable_extra_networks") ? NETWORK.matcher(prompt).replaceAll("") : prompt;
    }

    private static List<String> styles(Values values) {
        JsonNode names = values.json("styles");
        List<String> styles = new ArrayList<>();
        if (names != null) {
            names.forEach(name -> styles.add(name.asString("")));
        }
        return styles;
    }

    private Extras extras(Values values) throws IOException {
        JsonNode overrides = values.json("override_settings");
        long delta = (long) number("eta_noise_seed_delta", overrides);
        try {
            return new Extras(
                    ControlUnits.of(values.json("alwayson_scripts"), images),
                    guidance(values, overrides),
                    values.isKnown("image_cfg_scale") ? values.number("image_cfg_scale") : null,
                    refiner(values),
                    values.number("refiner_switch_at"),
                    acceleration(overrides, values.isKnown("init_images")),
                    tiling(values) ? true : null,
                    delta == 0 ? null : delta,
                    Script.isSdUpscale(values) ? sdUpscale(values.json("script_args")) : null);
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
    }

    /** Arguments: a text, overlap, upscaler, factor. */
    private SdUpscale sdUpscale(@Nullable JsonNode given) {
        JsonNode arguments = given == null ? Json.MAPPER.createArrayNode() : given;
        JsonNode upscaler = arguments.path(2);
        return new SdUpscale(
                arguments.path(3).asDouble(2),
                upscaler.isNumber()
                        ? upscalers.ofPixels(upscaler.intValue())
                        : upscalers.ofPixels(upscaler.asString("")),
                arguments.path(1).asInt(64));
    }

    private @Nullable GuidanceOptions guidance(Values values, @Nullable JsonNode overrides) {
        GuidanceOptions guidance = new GuidanceOptions(
                number("skip_early_cond", overrides),
                given(values, "s_min_uncond", overrides),
                isTrue("s_min_uncond_all", overrides),
                !isTrue("batch_cond_uncond", overrides));
        return guidance.equals(GuidanceOptions.DEFAULT) ? null : guidance;
    }

    private boolean tiling(Values values) {
        return values.isTrue("tiling")
                || (!values.isGiven("tiling") && isTrue("tiling", values.json("override_settings")));
    }

    private @Nullable String refiner(Values values) {
        String name = values.textOrEmpty("refiner_checkpoint");
        if (name.isEmpty() || name.equals("None") || values.number("refiner_switch_at", 1) >= 1) {
            return null;
        }
        return options.find(name)
                .map(ModelFile::name)
                .orElseThrow(() -> new HttpError(500, "Could not find checkpoint with name %s".formatted(name)));
    }

    private void draw(Context context, Values values, String mode, ObjectNode echo)
            throws IOException, InterruptedException {
        Optional<Script> script;
        try {
            script = Script.of(values);
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
        if (script.isPresent()) {
            drawAll(context, values, script.get(), mode, echo);
            return;
        }
        Drawn drawn = draw(context, values, task(values), mode);
        answer(context, values, echo, finished.images(drawn.result), info(List.of(drawn)));
    }

    /** One after the other, so that progress and interruptions are those of the picture that is being drawn. */
    private void drawAll(Context context, Values values, Script script, String mode, ObjectNode echo)
            throws IOException, InterruptedException {
        List<Values> requests = new ArrayList<>();
        for (Script.Cell cell : script.cells()) {
            requests.add(values.list().read(Json.MAPPER.writeValueAsString(cell.body())));
            task(requests.getLast()); // before anything is drawn
        }
        @Nullable Drawn[] drawn = new Drawn[requests.size()];
        String before = "";
        for (int i = 0; i < drawn.length; i++) {
            Values request = requests.get(i);
            if (script.isLoop() && i > 0) {
                ObjectNode body = script.cells().get(i).body().deepCopy();
                body.putArray("init_images").add(before);
                request = values.list().read(Json.MAPPER.writeValueAsString(body));
            }
            Drawn one = draw(context, request, task(request), mode);
            drawn[script.cells().get(i).place()] = one;
            before = script.isLoop()
                    ? Base64.getEncoder()
                            .encodeToString(finished.images(one.result).getFirst())
                    : "";
        }
        List<Drawn> all = Arrays.stream(drawn).map(Objects::requireNonNull).toList();
        List<byte[]> pictures = new ArrayList<>();
        List<BufferedImage> firsts = new ArrayList<>();
        for (Drawn one : all) {
            List<byte[]> images = finished.images(one.result);
            pictures.addAll(images);
            firsts.add(ImageFile.read(images.getFirst()));
        }
        GenerateResult.Image first = all.getFirst().result.images().getFirst();
        Infotext infotext = Infotext.parse(first.infotext());
        Map<String, String> parameters = new LinkedHashMap<>(infotext.parameters());
        parameters.putAll(script.parameters());
        String ofSheet = new Infotext(infotext.prompt(), infotext.negativePrompt(), parameters).text();
        List<byte[]> images = new ArrayList<>();
        for (BufferedImage sheet : script.sheets().of(firsts)) {
            images.add(PngFile.encode(new GeneratedImage(sheet, first.seed(), ofSheet)));
        }
        Map<String, @Nullable Object> info = info(all);
        List<String> infotexts = new ArrayList<>(times(images.size(), ofSheet));
        info.put("index_of_first_image", images.size());
        if (script.keepsPictures()) {
            images.addAll(pictures);
            all.forEach(one -> one.result.images().forEach(image -> infotexts.add(image.infotext())));
        }
        info.put("infotexts", infotexts);
        answer(context, values, echo, images, info);
    }

    private Drawn draw(Context context, Values values, GenerateTask task, String mode) throws InterruptedException {
        Job job = jobs.submit(JobKind.GENERATE, WebServer.owner(context), task.model(), Json.MAPPER.valueToTree(task));
        taskIds.put(values.text("force_task_id"), mode, job.id());
        GenerateResult result = finished.await(job);
        JsonNode overrides = values.json("override_settings");
        if (overrides != null && !values.isTrue("override_settings_restore_afterwards")) {
            options.keep(overrides);
        }
        return new Drawn(values, task, result);
    }

    private static void answer(
            Context context, Values values, ObjectNode echo, List<byte[]> images, Map<String, @Nullable Object> info)
            throws IOException {
        Map<String, @Nullable Object> response = new LinkedHashMap<>();
        response.put("images", values.isTrue("send_images") ? images : List.of());
        response.put("parameters", echo);
        response.put("info", Json.MAPPER.writeValueAsString(info));
        Answer.json(context, response);
    }

    /**
     * The one that {@code override_settings} names, where that is an exact alias or an expression of models; otherwise
     * the selected one.
     */
    private String model(Values values) {
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
        JsonNode overrides = values.json("override_settings");
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
                    firstSide(values, "width"),
                    firstSide(values, "height"),
                    Math.max(count(values, "batch_size", 1), pictures(values)),
                    count(values, "n_iter", 1),
                    clipSkip(overrides),
                    "CPU".equals(text("randn_source", overrides)) ? "CPU" : "NV",
                    samplerOptions(values, sampler.name(), overrides),
                    text("emphasis", overrides),
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

    private @Nullable Integer clipSkip(@Nullable JsonNode overrides) {
        JsonNode skip = options.get("CLIP_stop_at_last_layers", overrides);
        return skip != null && skip.isNumber() && skip.intValue() > 1 ? skip.intValue() : null;
    }

    /** Token merging, and DeepCache by the names of its extension for AUTOMATIC1111; null for neither. */
    private @Nullable Acceleration acceleration(@Nullable JsonNode overrides, boolean fromPicture) {
        boolean isOverridden = overrides != null && overrides.has("token_merging_ratio");
        double ratio = ratio("token_merging_ratio", overrides);
        boolean asks = fromPicture && !(isOverridden && ratio != 0);
        double ofPicture = asks ? ratio("token_merging_ratio_img2img", overrides) : 0;
        double interval = isTrue("deepcache_enable", overrides)
                ? Math.clamp(number("deepcache_full_run_step_rate", overrides), 1, 100)
                : 1;
        Acceleration acceleration = new Acceleration(
                (int) interval, 1, ofPicture != 0 ? ofPicture : ratio, ratio("token_merging_ratio_hr", overrides));
        return acceleration.equals(Acceleration.NONE) ? null : acceleration;
    }

    /** AUTOMATIC1111 allows 0.9 and merges three quarters. */
    private double ratio(String option, @Nullable JsonNode overrides) {
        return Math.clamp(number(option, overrides), 0, 0.75);
    }

    private double number(String option, @Nullable JsonNode overrides) {
        JsonNode value = options.get(option, overrides);
        return value == null || !value.isNumber() ? 0 : value.doubleValue();
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
        boolean isSame = sampler.isEmpty() || sampler.equals("Use same sampler");
        try {
            return new HiresFix(
                    upscalers.ofHiresFix(values.textOrEmpty("hr_upscaler")),
                    values.number("hr_scale", 2),
                    side(values.integer("hr_resize_x", 0)),
                    side(values.integer("hr_resize_y", 0)),
                    count(values, "hr_second_pass_steps", 0),
                    values.number("denoising_strength", 0.75),
                    isSame ? null : sampler(values, "hr_sampler_name", "hr_scheduler"),
                    values.textOrEmpty("hr_prompt"),
                    values.textOrEmpty("hr_negative_prompt"));
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
        String mask = values.textOrEmpty("mask");
        JsonNode overrides = values.json("override_settings");
        int padding = values.isTrue("inpaint_full_res") ? count(values, "inpaint_full_res_padding", 0) : -1;
        return new StartImage(
                        keys.getFirst(),
                        values.number("denoising_strength", 0.75),
                        List.of(ResizeMode.values()).get((int) values.integer("resize_mode", 0)),
                        false,
                        values.number("initial_noise_multiplier", 1),
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
                                        Math.clamp(number("inpainting_mask_weight", overrides), 0, 1)))
                .images(keys)
                .upscaler(upscaler(values));
    }

    /** What makes pictures to start from larger; null for plain resizing. */
    private @Nullable Upscaler upscaler(Values values) {
        String name = text("upscaler_for_img2img", values.json("override_settings"));
        return name == null || upscalers.ofPixels(name).equals(Upscaler.NONE) ? null : upscalers.ofPixels(name);
    }

    private @Nullable String text(String option, @Nullable JsonNode overrides) {
        JsonNode value = options.get(option, overrides);
        return value != null && value.isString() ? value.stringValue() : null;
    }

    /** Of the first pass, which old clients of the hires fix give a size of its own. */
    private static int firstSide(Values values, String side) {
        boolean isGiven = values.isKnown("firstphase_width")
                && (values.integer("firstphase_width", 0) != 0 || values.integer("firstphase_height", 0) != 0);
        return side(isGiven ? values.integer("firstphase_" + side, 0) : values.integer(side, 512));
    }

    /** AUTOMATIC1111 cuts sides to whole latent cells. */
    private static int side(long pixels) {
        return Math.clamp(pixels, 0, 1 << 20) / 8 * 8;
    }

    private SamplerOptions samplerOptions(Values values, SamplerName sampler, @Nullable JsonNode overrides) {
        return new SamplerOptions(
                eta(values, sampler, overrides),
                given(values, "s_churn", overrides),
                given(values, "s_tmin", overrides),
                given(values, "s_tmax", overrides),
                given(values, "s_noise", overrides),
                new ScheduleOptions(
                        number("sigma_min", overrides),
                        number("sigma_max", overrides),
                        number("rho", overrides),
                        number("beta_dist_alpha", overrides),
                        number("beta_dist_beta", overrides),
                        isTrue("always_discard_next_to_last_sigma", overrides),
                        isTrue("sgm_noise_multiplier", overrides)));
    }

    /** What the settings hold back unless they were changed is the sampler's own. */
    private @Nullable Double eta(Values values, SamplerName sampler, @Nullable JsonNode overrides) {
        Double eta = values.number("eta");
        if (eta != null) {
            return eta;
        }
        boolean isDdim = sampler == SamplerName.DDIM || sampler == SamplerName.DDIM_CFG_PLUS_PLUS;
        double setting = number(isDdim ? "eta_ddim" : "eta_ancestral", overrides);
        return setting == (isDdim ? 0 : 1) ? null : setting;
    }

    /** A field of the request, or where it is left out the setting of the same name. */
    private double given(Values values, String name, @Nullable JsonNode overrides) {
        Double value = values.number(name);
        return value != null ? value : number(name, overrides);
    }

    private boolean isTrue(String option, @Nullable JsonNode overrides) {
        JsonNode value = options.get(option, overrides);
        return value != null && value.asBoolean(false);
    }

    /** Of one request, or of all that a script has made of it; what they have in common is the first's. */
    private Map<String, @Nullable Object> info(List<Drawn> all) {
        Values values = all.getFirst().values;
        GenerateTask task = all.getFirst().task;
        Optional<ModelFile> model = options.find(model(values));
        List<GenerateResult.Image> images =
                all.stream().flatMap(one -> one.result.images().stream()).toList();
        int count = images.size();
        String prompt = prompt(values);
        String negative = negativePrompt(values);
        long subseed = values.integer("subseed", -1);
        Map<String, @Nullable Object> info = new LinkedHashMap<>();
        info.put("prompt", prompt);
        info.put("all_prompts", of(all, this::prompt));
        info.put("negative_prompt", negative);
        info.put("all_negative_prompts", of(all, this::negativePrompt));
        info.put("seed", task.seed());
        info.put("all_seeds", images.stream().map(GenerateResult.Image::seed).toList());
        info.put("subseed", subseed);
        info.put("all_subseeds", times(count, subseed));
        info.put("subseed_strength", values.number("subseed_strength", 0));
        info.put("width", task.width());
        info.put("height", task.height());
        info.put("sampler_name", task.sampler());
        info.put("cfg_scale", task.cfgScale());
        info.put("steps", task.steps());
        info.put("batch_size", task.batchSize());
        info.put("restore_faces", values.isTrue("restore_faces"));
        info.put("face_restoration_model", null);
        info.put("sd_model_name", model.map(ModelFile::stem).orElse(task.model()));
        info.put("sd_model_hash", model.map(ModelFile::shortHash).orElse(null));
        info.put(
                "sd_vae_name",
                options.vae(values.json("override_settings"))
                        .map(vae -> String.valueOf(vae.path().getFileName()))
                        .orElse(null));
        info.put("sd_vae_hash", null);
        info.put("seed_resize_from_w", values.integer("seed_resize_from_w"));
        info.put("seed_resize_from_h", values.integer("seed_resize_from_h"));
        info.put("denoising_strength", values.number("denoising_strength"));
        info.put("extra_generation_params", Map.of());
        info.put("index_of_first_image", 0);
        info.put(
                "infotexts", images.stream().map(GenerateResult.Image::infotext).toList());
        info.put("styles", styles(values));
        info.put("job_timestamp", LocalDateTime.now(ZoneId.systemDefault()).format(TIMESTAMP));
        info.put("clip_skip", task.clipSkip() == null ? 1 : task.clipSkip());
        info.put("is_using_inpainting_conditioning", false);
        info.put("version", Atelier.version());
        List<String> notes = all.stream()
                .flatMap(one -> one.result.notes().stream())
                .distinct()
                .toList();
        if (!notes.isEmpty()) {
            info.put("comments", notes);
        }
        return info;
    }

    /** For each picture. */
    private static List<String> of(List<Drawn> all, Function<Values, String> text) {
        return all.stream()
                .flatMap(one -> times(one.result.images().size(), text.apply(one.values)).stream())
                .toList();
    }

    private static <T> List<T> times(int count, T value) {
        return Collections.nCopies(count, value);
    }
}
