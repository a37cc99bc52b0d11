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
            integer("batch_size", 1L),
            integer("n_iter", 1L),
            integer("steps", 50L),
            number("cfg_scale", 7.0),
            integer("width", 512L),
            integer("height", 512L),
            bool("restore_faces", null),
            bool("tiling", null),
            bool("do_not_save_samples", false),
            bool("do_not_save_grid", false),
            number("eta", null),
            number("denoising_strength", null),
            number("s_min_uncond", null),
            number("s_churn", null),
            number("s_tmax", null),
            number("s_tmin", null),
            number("s_noise", null),
            object("override_settings", null),
            bool("override_settings_restore_afterwards", true),
            text("refiner_checkpoint", null),
            number("refiner_switch_at", null),
            bool("disable_extra_networks", false),
            text("firstpass_image", null),
            object("comments", null));

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
            text("force_task_id", null),
            text("sampler_index", "Euler"),
            text("script_name", null),
            list("script_args", Json.MAPPER.createArrayNode()),
            bool("send_images", true),
            bool("save_images", false),
            object("alwayson_scripts", Json.MAPPER.createObjectNode()),
            text("infotext", null));

    static final FieldList IMG2IMG = COMMON.replace(number("denoising_strength", 0.75))
            .and(
                    list("init_images", null),
                    integer("resize_mode", 0L).within(0, 3),
                    number("image_cfg_scale", null),
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
                    text("latent_mask", null),
                    text("force_task_id", null),
                    text("sampler_index", "Euler"),
                    bool("include_init_images", false),
                    text("script_name", null),
                    list("script_args", Json.MAPPER.createArrayNode()),
                    bool("send_images", true),
                    bool("save_images", false),
                    object("alwayson_scripts", Json.MAPPER.createObjectNode()),
                    text("infotext", null));

    static final FieldList EXTRAS = FieldList.of(
            integer("resize_mode", 0L).within(0, 1),
            number("upscaling_resize", 2.0),
            integer("upscaling_resize_w", 512L),
            integer("upscaling_resize_h", 512L),
            bool("upscaling_crop", true),
            text("upscaler_1", "None"),
            text("upscaler_2", "None"),
            number("extras_upscaler_2_visibility", 0.0),
            text("image", ""),
            list("imageList", null));

    static final FieldList PNG_INFO = FieldList.of(text("image", null).required());

    private Requests() {}
}
