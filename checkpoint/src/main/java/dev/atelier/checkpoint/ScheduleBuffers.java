package dev.atelier.checkpoint;

import java.util.Set;

/**
 * The tables of the noise schedule that training code of the CompVis line saves with a model. They follow from a formula
 * and are small; sampling reads {@code alphas_cumprod}, if it is there.
 */
final class ScheduleBuffers {
    static final String ALPHAS_CUMPROD = "alphas_cumprod";

    private static final Set<String> NAMES = Set.of(
            "betas",
            ALPHAS_CUMPROD,
            "alphas_cumprod_prev",
            "sqrt_alphas_cumprod",
            "sqrt_one_minus_alphas_cumprod",
            "log_one_minus_alphas_cumprod",
            "sqrt_recip_alphas_cumprod",
            "sqrt_recipm1_alphas_cumprod",
            "posterior_variance",
            "posterior_log_variance_clipped",
            "posterior_mean_coef1",
            "posterior_mean_coef2",
            "logvar",
            "lvlb_weights",
            "denoiser.sigmas");

    private ScheduleBuffers() {}

    static boolean contains(String name) {
        return NAMES.contains(name);
    }
}
