package dev.atelier.server.novita;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.server.novita.Drawing.Outcome;
import dev.atelier.server.outbound.Outbound;
import dev.atelier.server.outbound.RefusedException;
import dev.atelier.server.worker.Enlargement;
import dev.atelier.server.worker.Extras;
import dev.atelier.server.worker.GenerateTask;
import dev.atelier.server.worker.StartImage;
import dev.atelier.server.worker.UpscaleTask;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads the requests of version 3: ranges and defaults are those of its documentation and of its clients. */
record V3Requests(ModelNames models, InputImages images, Outbound outbound) {
    private static final int LINK_TTL = 3600;
    private static final int MAX_PROMPT = 1024;
    private static final int MAX_NAME = 2000;
    private static final long MAX_SEED = (1L << 32) - 1;

    /** For an owner, who sees models that others do not. */
    V3Requests of(String owner) {
        return new V3Requests(models.visibleTo(owner), images, outbound);
    }

    Drawing textToImage(Fields body) {
        Fields request = request(body);
        GenerateTask task = task(
                request,
                side(request, "width"),
                side(request, "height"),
                request.requiredInteger("steps", 1, 100),
                hiresFix(request),
                null);
        return drawing(TaskType.TXT_TO_IMG, body, task);
    }

    Drawing imageToImage(Fields body) {
        Fields request = request(body);
        refuse(request, "ip_adapters");
        InputImages.Input image = image(request, "image_base64");
        StartImage start = new StartImage(
                image.key(), request.number("strength", 0, 1, 0.5), ResizeMode.JUST_RESIZE, false, 1, null);
        GenerateTask task = task(
                request,
                side(request, "width"),
                side(request, "height"),
                request.integer("steps", 1, 100, 20),
                null,
                start);
        return drawing(TaskType.IMG_TO_IMG, body, task.with(Extras.of(new ControlUnits(models, images).ofV3(request))));
    }

    Drawing inpainting(Fields body) {
        Fields request = request(body);
        InputImages.Input image = image(request, "image_base64");
        InputImages.Input mask = image(request, "mask_image_base64");
        if (image.width() != mask.width() || image.height() != mask.height()) {
            throw new ProblemException(
                    Problem.INVALID,
                    "%s has %d × %d pixels, but the picture has %d × %d"
                            .formatted(
                                    request.path("mask_image_base64"),
                                    mask.width(),
                                    mask.height(),
                                    image.width(),
                                    image.height()));
        }
        int blur = request.integer("mask_blur", 0, 64, 4);
        StartImage start = new StartImage(
                image.key(),
                request.number("strength", 0, 1, 1),
                ResizeMode.JUST_RESIZE,
                false,
                request.number("initial_noise_multiplier", 0, 1.5, 0.5),
                new StartImage.Mask(
                        mask.key(),
                        MaskedContent.ORIGINAL,
                        blur,
                        blur,
                        request.isTrue("inpainting_mask_invert"),
                        request.isTrue("inpainting_full_res")
                                ? request.integer("inpainting_full_res_padding", 0, 256, 8)
                                : -1,
                        true,
                        1));
        GenerateTask task = task(
                request,
                cells(image.width()),
                cells(image.height()),
                request.requiredInteger("steps", 1, 100),
                null,
                start);
        return drawing(TaskType.INPAINTING, body, task);
    }

    /** Some callers leave the envelope out. */
    private static Fields request(Fields body) {
        return body.has("request") ? body.object("request") : body;
    }

    private GenerateTask task(
            Fields request, int width, int height, int steps, @Nullable HiresFix hiresFix, @Nullable StartImage start) {
        refuseUnsupported(request);
        String model = models.withVae(
                models.checkpoint(request.path("model_name"), request.requiredText("model_name", MAX_NAME)),
                request.path("sd_vae"),
                request.text("sd_vae", MAX_NAME));
        SamplerChoice sampler =
                SamplerNames.choose(request.path("sampler_name"), request.requiredText("sampler_name", 100));
        String prompt = request.requiredText("prompt", MAX_PROMPT);
        String negative = request.text("negative_prompt", MAX_PROMPT);
        return ready(new GenerateTask(
                model,
                LoraNames.prompt(withEmbeddings(request, prompt, negative), LoraNames.ofList(request, models)),
                negative,
                steps,
                sampler.name().label(),
                sampler.scheduler().id(),
                request.number("guidance_scale", 1, 30, 7.5),
                request.integer("seed", -1L, MAX_SEED, -1L),
                width,
                height,
                1,
                request.integer("image_num", 1, 8, 1),
                Math.max(1, request.integer("clip_skip", 0, 12, 1)),
                null,
                null,
                null,
                null,
                null,
                hiresFix,
                start,
                null));
    }

    /** The prompt, with the embeddings of the request's list that neither prompt names behind it. */
    private String withEmbeddings(Fields request, String prompt, String negative) {
        StringBuilder all = new StringBuilder(prompt);
        String named = (prompt + " " + negative).toLowerCase(Locale.ROOT);
        for (Fields embedding : request.objects("embeddings", LoraNames.MAX)) {
            String given = embedding.text("model_name");
            if (!given.isEmpty()) {
                String name = models.embedding(given);
                if (!named.contains(name.toLowerCase(Locale.ROOT))) {
                    all.append(", ").append(name);
                }
            }
        }
        return all.toString();
    }

    Drawing upscale(Fields body) {
        Fields request = request(body);
        InputImages.Input image = image(request, "image_base64");
        double factor = request.requiredNumber("scale_factor", 1, 4);
        String name = request.requiredText("model_name", 100);
        Enlargement.Choice upscaler = models.upscaler(request.path("model_name"), name);
        return drawing(TaskType.UPSCALE, body, enlarge(image, Enlargement.by(upscaler, factor)));
    }

    /** @throws ProblemException if it would become too large */
    static Work.Enlarge enlarge(InputImages.Input image, Enlargement how) {
        try {
            how.requireFits(image.width(), image.height());
        } catch (IllegalArgumentException e) {
            throw new ProblemException(Problem.OUT_OF_RANGE, String.valueOf(e.getMessage()));
        }
        return new Work.Enlarge(new UpscaleTask(image.key(), how), image.width(), image.height());
    }

    private Drawing drawing(TaskType type, Fields body, GenerateTask task) {
        return drawing(type, body, new Work.Draw(task));
    }

    private Drawing drawing(TaskType type, Fields body, Work work) {
        Fields extra = body.object("extra");
        refuse(extra.object("custom_storage"), "aws_s3");
        if (extra.isTrue("enable_nsfw_detection")) {
            throw notSupported(extra, "enable_nsfw_detection");
        }
        Fields webhook = extra.object("webhook");
        Fields test = webhook.object("test_mode");
        return new Drawing(
                type,
                work,
                ImageType.of(extra),
                LINK_TTL,
                test.isTrue("enabled") ? outcome(test) : null,
                webhook.text("url").isEmpty() ? null : url(webhook));
    }

    private URI url(Fields webhook) {
        try {
            URI url = new URI(webhook.text("url", MAX_NAME));
            outbound.check(url);
            return url;
        } catch (URISyntaxException | RefusedException e) {
            throw new ProblemException(Problem.INVALID, "%s: %s".formatted(webhook.path("url"), e.getMessage()));
        }
    }

    private static Outcome outcome(Fields test) {
        String status = test.text("return_task_status");
        return Arrays.stream(Outcome.values())
                .filter(outcome -> outcome.name().equals(status))
                .findFirst()
                .orElseThrow(() -> new ProblemException(
                        Problem.INVALID,
                        "%s must be one of %s".formatted(test.path("return_task_status"), List.of(Outcome.values()))));
    }

    private InputImages.Input image(Fields request, String name) {
        return images.keep(request.path(name), request.requiredText(name, Integer.MAX_VALUE));
    }

    private static int side(Fields request, String name) {
        return cells(request.requiredInteger(name, 128, 2048));
    }

    /** Sides are cut to whole latent cells, as AUTOMATIC1111 does. */
    static int cells(int pixels) {
        return pixels / GenerationRequest.SIZE_UNIT * GenerationRequest.SIZE_UNIT;
    }

    private @Nullable HiresFix hiresFix(Fields request) {
        if (!request.has("hires_fix")) {
            return null;
        }
        Fields hires = request.object("hires_fix");
        String name = hires.text("upscaler");
        Upscaler upscaler = Upscaler.LATENT;
        if (!name.isEmpty() && !name.equals(upscaler.label())) {
            Enlargement.Choice choice = models.upscaler(hires.path("upscaler"), name);
            if (choice.missing() != null) {
                throw new ProblemException(
                        Problem.NOT_SUPPORTED, "%s: %s".formatted(hires.path("upscaler"), choice.missing()));
            }
            upscaler = choice.upscaler();
        }
        return HiresFix.to(
                        cells(hires.requiredInteger("target_width", 128, 4096)),
                        cells(hires.requiredInteger("target_height", 128, 4096)))
                .upscaler(upscaler)
                .denoisingStrength(hires.number("strength", 0, 1, 0.5));
    }

    private static void refuseUnsupported(Fields request) {
        refuse(request.object("refiner"), "switch_at");
        for (String name : List.of("restore_faces", "enable_transparent_background")) {
            if (request.isTrue(name)) {
                throw notSupported(request, name);
            }
        }
    }

    private static void refuse(Fields fields, String name) {
        if (fields.has(name)) {
            throw notSupported(fields, name);
        }
    }

    private static ProblemException notSupported(Fields fields, String name) {
        return new ProblemException(
                Problem.NOT_SUPPORTED, "%s: this server cannot do that; leave it out".formatted(fields.path(name)));
    }

    /** @throws ProblemException for what only the drawing itself knows to be wrong */
    static GenerateTask ready(GenerateTask task) {
        try {
            return task.ready();
        } catch (IllegalArgumentException e) {
            throw new ProblemException(Problem.INVALID, String.valueOf(e.getMessage()));
        }
    }
}
