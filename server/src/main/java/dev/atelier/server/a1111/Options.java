package dev.atelier.server.a1111;

import dev.atelier.server.db.Json;
import dev.atelier.server.db.Settings;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelShelf;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** AUTOMATIC1111's settings, as far as clients ask for them. What was changed is kept; the rest are defaults. */
final class Options {
    static final String CHECKPOINT = "sd_model_checkpoint";

    private static final String STORED = "a1111.options";

    /** Settings that are whole numbers but for 0 are told as fractions, as AUTOMATIC1111 does. */
    private static final ObjectNode DEFAULTS = (ObjectNode) Json.MAPPER.readTree("""
            {"samples_save": true, "samples_format": "png", "save_images_add_number": true, "grid_save": true,
             "grid_format": "png", "enable_pnginfo": true, "jpeg_quality": 80.0, "save_to_dirs": true,
             "directories_filename_pattern": "[date]", "outdir_txt2img_samples": "outputs/txt2img-images",
             "outdir_img2img_samples": "outputs/img2img-images", "outdir_extras_samples": "outputs/extras-images",
             "upscaler_for_img2img": null, "face_restoration": false, "face_restoration_model": "CodeFormer",
             "code_former_weight": 0.5, "sd_model_checkpoint": null, "sd_checkpoint_hash": "",
             "sd_checkpoints_limit": 1.0, "sd_checkpoint_cache": 0, "sd_vae": "Automatic", "sd_unet": "Automatic",
             "sd_lora": "None", "sd_hypernetwork": "None", "inpainting_mask_weight": 1.0,
             "initial_noise_multiplier": 1.0, "img2img_color_correction": false, "img2img_fix_steps": false,
             "img2img_extra_noise": 0.0,
             "emphasis": "Original", "comma_padding_backtrack": 20.0, "CLIP_stop_at_last_layers": 1.0,
             "randn_source": "GPU", "tiling": false, "eta_ddim": 0.0, "eta_ancestral": 1.0, "s_churn": 0.0,
             "s_tmin": 0.0, "s_tmax": 0.0, "s_noise": 1.0, "s_min_uncond": 0.0, "s_min_uncond_all": false,
             "skip_early_cond": 0.0, "batch_cond_uncond": true, "sigma_min": 0.0, "sigma_max": 0.0,
             "rho": 0.0, "eta_noise_seed_delta": 0, "always_discard_next_to_last_sigma": false,
             "sgm_noise_multiplier": false, "uni_pc_variant": "bh1", "uni_pc_skip_type": "time_uniform",
             "uni_pc_order": 3.0, "uni_pc_lower_order_final": true, "sd_noise_schedule": "Default",
             "use_old_scheduling": false, "use_old_karras_scheduler_sigmas": false,
             "use_downcasted_alpha_bar": false, "use_old_hires_fix_width_height": false, "beta_dist_alpha": 0.6, "beta_dist_beta": 0.6,
             "token_merging_ratio": 0.0, "token_merging_ratio_img2img": 0.0, "token_merging_ratio_hr": 0.0,
             "deepcache_enable": false, "deepcache_full_run_step_rate": 3.0,
             "pad_cond_uncond": false, "pad_cond_uncond_v0": false, "sdxl_crop_top": 0, "sdxl_crop_left": 0,
             "sdxl_refiner_low_aesthetic_score": 2.5, "sdxl_refiner_high_aesthetic_score": 6.0,
             "return_grid": true, "return_mask": false, "return_mask_composite": false,
             "grid_only_if_multiple": true, "add_model_hash_to_info": true, "add_model_name_to_info": true,
             "add_version_to_infotext": true, "disable_weights_auto_swap": true, "hide_samplers": [],
             "quicksettings_list": ["sd_model_checkpoint"], "extra_networks_default_multiplier": 1.0,
             "use_old_emphasis_implementation": false, "no_dpmpp_sde_batch_determinism": false,
             "hires_fix_use_firstpass_conds": false, "hires_fix_refiner_pass": "second pass",
             "refiner_switch_by_sample_steps": false, "enable_quantization": false, "enable_batch_seeds": true,
             "sdxl_clip_l_skip": false, "sd_vae_encode_method": "Full", "sd_vae_decode_method": "Full",
             "fp8_storage": "Disable", "img2img_background_color": "#ffffff", "overlay_inpaint": true,
             "ESRGAN_tile": 192.0, "ESRGAN_tile_overlap": 8.0,
             "live_previews_enable": true, "show_progress_every_n_steps": 10.0, "show_progress_type": "Approx NN",
             "api_enable_requests": true, "api_forbid_local_requests": true, "api_useragent": ""}
            """);

    /** Those that change pictures there and none here. */
    private static final List<String> IDLE = List.of(
            "face_restoration",
            "sd_unet",
            "sd_lora",
            "sd_hypernetwork",
            "use_old_emphasis_implementation",
            "no_dpmpp_sde_batch_determinism",
            "hires_fix_use_firstpass_conds",
            "hires_fix_refiner_pass",
            "refiner_switch_by_sample_steps",
            "enable_quantization",
            "enable_batch_seeds",
            "sdxl_clip_l_skip",
            "sd_vae_encode_method",
            "sd_vae_decode_method",
            "fp8_storage",
            "img2img_background_color",
            "overlay_inpaint",
            "ESRGAN_tile",
            "ESRGAN_tile_overlap");

    private final Settings settings;
    private final ModelShelf shelf;

    Options(Settings settings, ModelShelf shelf) {
        this.settings = settings;
        this.shelf = shelf;
    }

    /** All of them. */
    ObjectNode all() {
        ObjectNode all = DEFAULTS.deepCopy();
        stored().ifPresent(all::setAll);
        ModelFile model = selected();
        all.put(CHECKPOINT, model.title());
        all.put("sd_checkpoint_hash", model.sha256() == null ? "" : model.sha256());
        return all;
    }

    /** {@code GET /internal/quicksettings-hint}. */
    List<Map<String, String>> hints() {
        return DEFAULTS.propertyNames().stream()
                .map(name -> Map.of("name", name, "label", name.replace('_', ' ')))
                .toList();
    }

    /** The model with the VAE that is chosen, if one is and it is there. */
    String withVae(String model, @Nullable JsonNode overrides) {
        return vae(overrides).map(vae -> shelf.withVae(model, vae)).orElse(model);
    }

    Optional<ModelFile> vae(@Nullable JsonNode overrides) {
        JsonNode name = get("sd_vae", overrides);
        return name == null || !name.isString()
                ? Optional.empty()
                : Optional.of(name.stringValue())
                        .filter(text -> !text.isBlank() && !text.equals("None") && !text.equals("Automatic"))
                        .flatMap(shelf::findFile);
    }

    private Optional<ObjectNode> stored() {
        return settings.get(STORED).map(ObjectNode.class::cast);
    }

    Optional<ModelFile> find(String alias) {
        return shelf.findModel(alias);
    }

    /** Whether a text is an expression of models that can be loaded. */
    boolean isExpression(String text) {
        try {
            return shelf.find(text).isEmpty() && !shelf.resolve(text).inputs().isEmpty();
        } catch (IllegalArgumentException | UncheckedIOException _) {
            return false;
        }
    }

    /** The model that is drawn with: the chosen one, or the first. */
    ModelFile selected() {
        Optional<String> chosen = stored().map(options -> options.get(CHECKPOINT))
                .filter(JsonNode::isString)
                .map(JsonNode::stringValue);
        return chosen.flatMap(shelf::findModel).orElseGet(() -> shelf.list().getFirst());
    }

    /**
     * Changes some.
     *
     * @throws UnknownOptionException if there is no option of a name
     * @throws UnknownModelException if {@code sd_model_checkpoint} names no model
     */
    void change(JsonNode changes) {
        ObjectNode stored = stored().map(ObjectNode::deepCopy).orElseGet(Json.MAPPER::createObjectNode);
        changes.forEachEntry((name, value) -> {
            if (!DEFAULTS.has(name)) {
                throw new UnknownOptionException(name);
            }
            // these guard the machine, and are the command line's business
            if (!name.startsWith("api_")) {
                stored.set(name, name.equals(CHECKPOINT) ? title(value) : value);
            }
        });
        settings.set(STORED, stored);
    }

    /** Changes those that are there, as a request does whose {@code override_settings} are not to be taken back. */
    void keep(JsonNode overrides) {
        ObjectNode known = ((ObjectNode) overrides.deepCopy()).retain(DEFAULTS.propertyNames());
        if (shelf.findModel(known.path(CHECKPOINT).asString("")).isEmpty()) {
            known.remove(CHECKPOINT);
        }
        change(known);
    }

    /** What a request asks of the settings that nothing is done about here. */
    List<String> idle(@Nullable JsonNode overrides) {
        List<String> notes = new ArrayList<>();
        for (String name : IDLE) {
            JsonNode value = get(name, overrides);
            if (value != null && !isDefault(name, value)) {
                notes.add("the setting %s changes nothing here".formatted(name));
            }
        }
        if (overrides != null) {
            overrides.propertyNames().stream()
                    .filter(name -> !DEFAULTS.has(name))
                    .forEach(name -> notes.add("the setting %s is not known here".formatted(name)));
        }
        return notes;
    }

    private static boolean isDefault(String name, JsonNode value) {
        JsonNode standard = DEFAULTS.path(name);
        return standard.isNumber()
                ? value.isNumber() && value.doubleValue() == standard.doubleValue()
                : value.isNull() || value.equals(standard);
    }

    private JsonNode title(JsonNode value) {
        String alias = value.isString() ? value.stringValue() : value.toString();
        ModelFile model = shelf.findModel(alias).orElseThrow(() -> new UnknownModelException(alias));
        return Json.MAPPER.valueToTree(model.name());
    }

    /** A setting with a request's {@code override_settings} laid over it. */
    @Nullable
    JsonNode get(String name, @Nullable JsonNode overrides) {
        if (overrides != null && overrides.has(name)) {
            return overrides.get(name);
        }
        return stored().map(options -> options.get(name)).orElseGet(() -> DEFAULTS.get(name));
    }

    /** Answered as Python's {@code KeyError}. */
    static final class UnknownOptionException extends HttpError {
        UnknownOptionException(String name) {
            super(500, "'%s'".formatted(name));
        }
    }

    /** Answered as AUTOMATIC1111's {@code RuntimeError}. */
    static final class UnknownModelException extends HttpError {
        UnknownModelException(String name) {
            super(500, "model '%s' not found".formatted(name));
        }
    }
}
