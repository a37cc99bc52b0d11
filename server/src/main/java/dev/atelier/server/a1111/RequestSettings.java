package dev.atelier.server.a1111;

import dev.atelier.diffusion.Acceleration;
import dev.atelier.diffusion.GuidanceOptions;
import dev.atelier.diffusion.NoiseTable;
import dev.atelier.diffusion.PromptPadding;
import dev.atelier.diffusion.SamplerName;
import dev.atelier.diffusion.SamplerOptions;
import dev.atelier.diffusion.ScheduleOptions;
import dev.atelier.diffusion.SdxlOptions;
import dev.atelier.diffusion.UniPcOptions;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** AUTOMATIC1111's settings as a request finds them, with its {@code override_settings} laid over. */
record RequestSettings(Options options, Values values) {
    @Nullable
    GuidanceOptions guidance() {
        GuidanceOptions guidance = new GuidanceOptions(
                number("skip_early_cond"),
                given("s_min_uncond"),
                isTrue("s_min_uncond_all"),
                !isTrue("batch_cond_uncond"));
        return guidance.equals(GuidanceOptions.DEFAULT) ? null : guidance;
    }

    /** How prompts become equally long; null for not at all. */
    @Nullable
    PromptPadding padding() {
        if (isTrue("pad_cond_uncond_v0")) {
            return PromptPadding.LAST;
        }
        return isTrue("pad_cond_uncond") ? PromptPadding.EMPTY : null;
    }

    /** AUTOMATIC1111's 74 is all of a window. */
    @Nullable
    Integer commaBacktrack() {
        int tokens = (int) Math.clamp(number("comma_padding_backtrack"), 0, 74);
        return tokens == 20 ? null : tokens;
    }

    boolean tiling() {
        return values.isTrue("tiling") || (!values.isGiven("tiling") && isTrue("tiling"));
    }

    @Nullable
    Integer clipSkip() {
        JsonNode skip = get("CLIP_stop_at_last_layers");
        return skip != null && skip.isNumber() && skip.intValue() > 1 ? skip.intValue() : null;
    }

    /** Token merging, and DeepCache by the names of its extension for AUTOMATIC1111; null for neither. */
    @Nullable
    Acceleration acceleration(boolean fromPicture) {
        boolean isOverridden = isOverridden("token_merging_ratio");
        double ratio = ratio("token_merging_ratio");
        boolean asks = fromPicture && !(isOverridden && ratio != 0);
        double ofPicture = asks ? ratio("token_merging_ratio_img2img") : 0;
        double interval = isTrue("deepcache_enable") ? Math.clamp(number("deepcache_full_run_step_rate"), 1, 100) : 1;
        Acceleration acceleration = new Acceleration(
                (int) interval, 1, ofPicture != 0 ? ofPicture : ratio, ratio("token_merging_ratio_hr"));
        return acceleration.equals(Acceleration.NONE) ? null : acceleration;
    }

    @Nullable
    SdxlOptions sdxl() {
        SdxlOptions sdxl = new SdxlOptions(
                (int) Math.clamp(number("sdxl_crop_top"), 0, 1024),
                (int) Math.clamp(number("sdxl_crop_left"), 0, 1024),
                number("sdxl_refiner_low_aesthetic_score"),
                number("sdxl_refiner_high_aesthetic_score"));
        return sdxl.equals(SdxlOptions.DEFAULT) ? null : sdxl;
    }

    /** AUTOMATIC1111 allows 0.9 and merges three quarters. */
    private double ratio(String option) {
        return Math.clamp(number(option), 0, 0.75);
    }

    SamplerOptions samplerOptions(SamplerName sampler) {
        return new SamplerOptions(
                eta(sampler),
                given("s_churn"),
                given("s_tmin"),
                given("s_tmax"),
                given("s_noise"),
                new ScheduleOptions(
                        end("sigma_min", 0.1),
                        end("sigma_max", 10),
                        number("rho"),
                        number("beta_dist_alpha"),
                        number("beta_dist_beta"),
                        isTrue("always_discard_next_to_last_sigma"),
                        isTrue("sgm_noise_multiplier")),
                UniPcOptions.named(
                        String.valueOf(text("uni_pc_variant")),
                        String.valueOf(text("uni_pc_skip_type")),
                        (int) number("uni_pc_order"),
                        isTrue("uni_pc_lower_order_final")));
    }

    /** An end of the schedule, which the setting for old pictures moves unless it is set by itself. */
    private double end(String option, double old) {
        double set = number(option);
        return set == 0 && isTrue("use_old_karras_scheduler_sigmas") ? old : set;
    }

    @Nullable
    NoiseTable noiseTable() {
        NoiseTable table = new NoiseTable(
                isTrue("use_downcasted_alpha_bar"), "Zero Terminal SNR".equals(text("sd_noise_schedule")));
        return table.equals(NoiseTable.TRAINED) ? null : table;
    }

    /** What the settings hold back unless they were changed is the sampler's own. */
    private @Nullable Double eta(SamplerName sampler) {
        Double eta = values.number("eta");
        if (eta != null) {
            return eta;
        }
        boolean isDdim = sampler == SamplerName.DDIM || sampler == SamplerName.DDIM_CFG_PLUS_PLUS;
        double setting = number(isDdim ? "eta_ddim" : "eta_ancestral");
        return setting == (isDdim ? 0 : 1) ? null : setting;
    }

    double number(String option) {
        JsonNode value = get(option);
        return value == null || !value.isNumber() ? 0 : value.doubleValue();
    }

    /** A field of the request, or where it is left out the setting of the same name. */
    private double given(String name) {
        Double value = values.number(name);
        return value != null ? value : number(name);
    }

    boolean isTrue(String option) {
        JsonNode value = get(option);
        return value != null && value.asBoolean(false);
    }

    @Nullable
    String text(String option) {
        JsonNode value = get(option);
        return value != null && value.isString() ? value.stringValue() : null;
    }

    private @Nullable JsonNode get(String option) {
        return options.get(option, values.json("override_settings"));
    }

    private boolean isOverridden(String option) {
        JsonNode overrides = values.json("override_settings");
        return overrides != null && overrides.has(option);
    }
}
