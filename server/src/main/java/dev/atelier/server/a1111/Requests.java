package dev.atelier.server.a1111;

import static dev.atelier.server.a1111.Field.bool;
import static dev.atelier.server.a1111.Field.integer;
import static dev.atelier.server.a1111.Field.list;
import static dev.atelier.server.a1111.Field.number;
import static dev.atelier.server.a1111.Field.object;
import static dev.atelier.server.a1111.Field.text;

import dev.atelier.server.db.Json;

/** The fields of AUTOMATIC1111's requests with their defaults, in the order in which it echoes them. */
final class Requests {
    private static final String SCRIPTS = "Prompt matrix; Prompts from file or textbox; X/Y/Z plot";
    private static final String KEPT = "pictures are kept with their job";
    private static final String THERE = "as in AUTOMATIC1111";
    private static final String FACES = "no network that restores faces is here";
    private static final int MOST_PIXELS = 1 << 16;

    private static final FieldList COMMON = FieldList.of(
            text("prompt", ""),
            text("negative_prompt", ""),
            list("styles", null),
            integer("seed", -1L),
            integer("subseed", -1L),
            number("subseed_strength", 0.0),
            integer("seed_resize_from_h", -1L),
            integer("seed_resize_from_w", -1L),
            text("sampler_name", null),
            text("scheduler", null),
            integer("batch_size", 1L).within(1, 64),
            integer("n_iter", 1L).within(1, 1000),
            integer("steps", 50L).within(1, 1000),
            number("cfg_scale", 7.0).within(0, 100),
            integer("width", 512L),
            integer("height", 512L),
            bool("restore_faces", null).ignored(FACES),
            bool("tiling", null),
            bool("do_not_save_samples", false).ignored(KEPT),
            bool("do_not_save_grid", false).ignored(KEPT),
            number("eta", null),
            number("denoising_strength", null),
            number("s_min_uncond", null),
            number("s_churn", null),
            number("s_tmax", null),
            number("s_tmin", null),
            number("s_noise", null),
            object("override_settings", null).noted("those that take effect in /sdapi/v1/options, for this picture"),
            bool("override_settings_restore_afterwards", true),
            text("refiner_checkpoint", null).noted("\"\", None and none are no refiner"),
            number("refiner_switch_at", null).within(0, 1),
            bool("disable_extra_networks", false),
            text("firstpass_image", null).ignored(THERE),
            object("comments", null).ignored(THERE));

    static final FieldList TXT2IMG = COMMON.and(
            bool("enable_hr", false),
            integer("firstphase_width", 0L),
            integer("firstphase_height", 0L),
            number("hr_scale", 2.0),
            text("hr_upscaler", null),
            integer("hr_second_pass_steps", 0L),
            integer("hr_resize_x", 0L),
            integer("hr_resize_y", 0L),
            text("hr_checkpoint_name", null),
            text("hr_sampler_name", null),
            text("hr_scheduler", null),
            text("hr_prompt", ""),
            text("hr_negative_prompt", ""),
            text("force_task_id", null).noted("the id to ask /internal/progress for"),
            text("sampler_index", "Euler").noted("a name, where sampler_name is not given"),
            text("script_name", null).noted(SCRIPTS),
            list("script_args", Json.MAPPER.createArrayNode()),
            bool("send_images", true),
            bool("save_images", false).ignored(KEPT),
            object("alwayson_scripts", Json.MAPPER.createObjectNode())
                    .noted("ControlNet's units; other scripts are ignored"),
            text("infotext", null));

    static final FieldList IMG2IMG = COMMON.replace(number("denoising_strength", 0.75))
            .and(
                    list("init_images", null).noted("several are a batch of as many pictures"),
                    integer("resize_mode", 0L).within(0, 3),
                    number("image_cfg_scale", null).within(0, 100),
                    text("mask", null),
                    integer("mask_blur_x", 4L),
                    integer("mask_blur_y", 4L),
                    integer("mask_blur", null),
                    bool("mask_round", true),
                    integer("inpainting_fill", 0L).within(0, 3),
                    bool("inpaint_full_res", true),
                    integer("inpaint_full_res_padding", 0L),
                    integer("inpainting_mask_invert", 0L),
                    number("initial_noise_multiplier", null),
                    text("latent_mask", null).ignored(THERE),
                    text("force_task_id", null).noted("the id to ask /internal/progress for"),
                    text("sampler_index", "Euler").noted("a name, where sampler_name is not given"),
                    bool("include_init_images", false),
                    text("script_name", null).noted(SCRIPTS + "; Loopback"),
                    list("script_args", Json.MAPPER.createArrayNode()),
                    bool("send_images", true),
                    bool("save_images", false).ignored(KEPT),
                    object("alwayson_scripts", Json.MAPPER.createObjectNode())
                            .noted("ControlNet's units and Soft inpainting; other scripts are ignored"),
                    text("infotext", null));

    private static final FieldList EXTRAS = FieldList.of(
            integer("resize_mode", 0L).within(0, 1).noted("0 by a factor, 1 to a size"),
            bool("show_extras_results", true).ignored(THERE),
            number("gfpgan_visibility", 0.0).within(0, 1).ignored(FACES),
            number("codeformer_visibility", 0.0).within(0, 1).ignored(FACES),
            number("codeformer_weight", 0.0).within(0, 1).ignored(FACES),
            number("upscaling_resize", 2.0),
            integer("upscaling_resize_w", 512L).within(1, MOST_PIXELS),
            integer("upscaling_resize_h", 512L).within(1, MOST_PIXELS),
            bool("upscaling_crop", true),
            text("upscaler_1", "None"),
            text("upscaler_2", "None"),
            number("extras_upscaler_2_visibility", 0.0).within(0, 1),
            bool("upscale_first", false).ignored(THERE));

    static final FieldList EXTRAS_SINGLE = EXTRAS.and(text("image", ""));

    static final FieldList EXTRAS_BATCH =
            EXTRAS.and(list("imageList", null).required().noted("objects with data and name"));

    static final FieldList PNG_INFO = FieldList.of(text("image", null).required());

    static final FieldList CREATE_EMBEDDING = FieldList.of(
            text("name", null).required(),
            integer("num_vectors_per_token", null).required().within(1, 75),
            bool("overwrite_old", false),
            text("init_text", "*").noted("whose vectors it begins with; \"\" for zeros"));

    static final FieldList CREATE_HYPERNETWORK = FieldList.of(
            text("name", null).required(),
            text("enable_sizes", null).required().noted("a list of 320, 640, 768, 1024, 1280"),
            bool("overwrite_old", false),
            text("layer_structure", "1, 2, 1").noted("or a list"),
            text("activation_func", null),
            text("weight_init", "Normal").noted("Normal, XavierUniform, XavierNormal, KaimingUniform or KaimingNormal"),
            bool("add_layer_norm", false),
            bool("use_dropout", false),
            text("dropout_structure", null).noted("or a list"));

    static final FieldList INTERROGATE = FieldList.of(text("image", ""), text("model", "clip"));

    /** Those of {@code POST /internal/progress}. */
    static final FieldList PROGRESS =
            FieldList.of(text("id_task", null), integer("id_live_preview", -1L), bool("live_preview", true));

    /** Settings by name. */
    static final FieldList OPTIONS = FieldList.of();

    private Requests() {}
}
