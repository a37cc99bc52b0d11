package dev.atelier.server.novita;

import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.server.worker.Enlargement;
import dev.atelier.server.worker.Extras;
import dev.atelier.server.worker.GenerateTask;
import dev.atelier.server.worker.StartImage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the requests of version 2: ranges and defaults are those of its documentation and of its clients. */
record V2Requests(ModelNames models, InputImages images) {
    private static final int MAX_LINK_TTL = 604_800;
    private static final int LINK_TTL = 86_400;
    private static final int MAX_SIDE = 2048;
    private static final int MAX_NAME = 2000;
    private static final long MAX_SEED = 1L << 53; // exact in JavaScript and here
    private static final int MAX_PROMPT = 20_000;
    // AUTOMATIC1111's; the API has no field for it
    private static final double HIRES_DENOISING = 0.7;

    /** For an owner, who sees models that others do not. */
    V2Requests of(String owner) {
        return new V2Requests(models.visibleTo(owner), images);
    }

    Drawing textToImage(Fields request) {
        return drawing(TaskType.TXT_TO_IMG, request, task(request, 512, hiresFix(request), null));
    }

    /** Without a picture it is text to image, on which the tests of the Python client insist. */
    Drawing imageToImage(Fields request) {
        String image = request.firstText("init_images");
        if (image == null) {
            return drawing(TaskType.IMG_TO_IMG, request, task(request, 1024, null, null));
        }
        String mask = request.text("mask");
        StartImage start = new StartImage(
                images.keep("init_images", image).key(),
                request.number("denoising_strength", 0, 1, 0.75),
                List.of(ResizeMode.values()).get(request.integer("resize_mode", 0, 3, 0)),
                false,
                request.number("initial_noise_multiplier", 0, 1.5, 1),
                mask.isEmpty() ? null : mask(request, images.keep("mask", mask).key()));
        return drawing(TaskType.IMG_TO_IMG, request, task(request, 1024, null, start));
    }

    private static StartImage.Mask mask(Fields request, String key) {
        int blur = request.integer("mask_blur", 0, 64, 4);
        String invert = request.has("inpaint_mask_invert") ? "inpaint_mask_invert" : "inpainting_mask_invert";
        return new StartImage.Mask(
                key,
                List.of(MaskedContent.values()).get(request.integer("inpainting_fill", 0, 3, 1)),
                blur,
                blur,
                request.isTrue(invert),
                request.isTrue("inpaint_full_res") ? request.integer("inpaint_full_res_padding", 0, 256, 32) : -1,
                true,
                1);
    }

    private GenerateTask task(Fields request, int size, @Nullable HiresFix hiresFix, @Nullable StartImage start) {
        refuseUnsupported(request);
        String name = request.text("model_name", MAX_NAME);
        String prompt = request.text("prompt", MAX_PROMPT);
        String model = models.withVae(
                name.isEmpty() ? models.shelf().list().getFirst().name() : models.checkpoint("model_name", name),
                "sd_vae",
                request.text("sd_vae", MAX_NAME));
        SamplerChoice sampler = SamplerNames.choose("sampler_name", request.text("sampler_name", 100));
        return V3Requests.ready(new GenerateTask(
                        model,
                        LoraNames.prompt(prompt, LoraNames.ofPrompt(prompt, models)),
                        request.text("negative_prompt", MAX_PROMPT),
                        request.integer("steps", 1, 50, 20),
                        sampler.name().label(),
                        sampler.scheduler().id(),
                        request.number("cfg_scale", 0, 30, 7),
                        request.integer("seed", -1L, MAX_SEED, -1L),
                        side(request, "width", size),
                        side(request, "height", size),
                        Math.max(1, request.integer("batch_size", 0, 8, 1)),
                        Math.max(1, request.integer("n_iter", 0, 8, 1)),
                        Math.max(1, request.integer("clip_skip", 0, 12, 1)),
                        null,
                        null,
                        null,
                        null,
                        null,
                        hiresFix,
                        start,
                        null)
                .with(extras(request)));
    }

    private Extras extras(Fields request) {
        Extras extras = Extras.of(new ControlUnits(models, images).ofV2(request));
        Fields refiner = request.object("sd_refiner");
        double at = refiner.number("switch_at", 0, 1, 1);
        String name = refiner.text("checkpoint", MAX_NAME);
        return name.isEmpty() || at >= 1
                ? extras
                : extras.refinedBy(models.file(refiner.path("checkpoint"), "checkpoint", name), at);
    }

    private static int side(Fields request, String name, int otherwise) {
        return V3Requests.cells(request.integer(name, 8, MAX_SIDE, otherwise));
    }

    /** A size wins over the scale, as the tests of the Python client demand. */
    private @Nullable HiresFix hiresFix(Fields request) {
        if (!request.isTrue("enable_hr")) {
            return null;
        }
        int width = V3Requests.cells(request.integer("hr_resize_x", 0, MAX_SIDE, 0));
        int height = V3Requests.cells(request.integer("hr_resize_y", 0, MAX_SIDE, 0));
        HiresFix hires =
                width > 0 || height > 0 ? HiresFix.to(width, height) : HiresFix.by(request.number("hr_scale", 1, 4, 2));
        return hires.upscaler(upscaler(request))
                .denoisingStrength(request.number("denoising_strength", 0, 1, HIRES_DENOISING));
    }

    private Upscaler upscaler(Fields request) {
        return switch (request.text("hr_upscaler")) {
            case "", "Latent" -> Upscaler.LATENT;
            case "None" -> Upscaler.LANCZOS;
            default ->
                models.upscaler("hr_upscaler", request.text("hr_upscaler")).upscaler();
        };
    }

    Drawing upscale(Fields request) {
        for (String faces : List.of("gfpgan_visibility", "codeformer_visibility")) {
            if (request.number(faces, 0, 1, 0) > 0) {
                throw notSupported(faces);
            }
        }
        InputImages.Input image = images.keep("image", request.requiredText("image", Integer.MAX_VALUE));
        boolean isToSize = request.integer("resize_mode", 0, 1, 0) == 1;
        String second = request.text("upscaler_2");
        Enlargement.Choice first = models.upscaler("upscaler_1", request.text("upscaler_1"));
        Enlargement how = new Enlargement(
                first.upscaler().label(),
                second.isEmpty() || second.equals("None")
                        ? null
                        : models.upscaler("upscaler_2", second).upscaler().label(),
                request.number("extras_upscaler_2_visibility", 0, 1, 0),
                isToSize ? 0 : request.number("upscaling_resize", 1, 8, 2),
                isToSize ? request.requiredInteger("upscaling_resize_w", 8, MAX_SIDE) : 0,
                isToSize ? request.requiredInteger("upscaling_resize_h", 8, MAX_SIDE) : 0,
                request.isTrue("upscaling_crop"),
                first.missing());
        return drawing(TaskType.UPSCALE, request, V3Requests.enlarge(image, how));
    }

    private static void refuseUnsupported(Fields request) {
        if (request.isTrue("restore_faces") || request.isTrue("restore_face")) {
            throw notSupported("restore_faces");
        }
        if (request.object("extra").isTrue("enable_nsfw_detection")) {
            throw notSupported("extra.enable_nsfw_detection");
        }
    }

    private static ProblemException notSupported(String field) {
        return new ProblemException(
                Problem.NOT_SUPPORTED, "%s: this server cannot do that; leave it out".formatted(field));
    }

    private static Drawing drawing(TaskType type, Fields request, GenerateTask task) {
        return drawing(type, request, new Work.Draw(task));
    }

    private static Drawing drawing(TaskType type, Fields request, Work work) {
        int ttl = request.integer("img_expire_ttl", 0, MAX_LINK_TTL, 0);
        return new Drawing(type, work, ImageType.of(request.object("extra")), ttl == 0 ? LINK_TTL : ttl, null, null);
    }
}
