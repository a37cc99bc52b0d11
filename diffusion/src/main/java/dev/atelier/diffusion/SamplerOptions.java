package dev.atelier.diffusion;

import org.jspecify.annotations.Nullable;

/**
 * Settings of samplers, under AUTOMATIC1111's names. A sampler takes the ones that it knows.
 *
 * @param eta how much of the noise in the latent each step replaces by fresh noise; null for the sampler's own, which is
 *     0 for DDIM, 0.3 for TCD (whose authors call it γ) and 1 for all others
 * @param churn "Sigma churn", 0 to add no noise before a step
 * @param tmin "Sigma tmin", the lowest noise level that churn applies to
 * @param tmax "Sigma tmax", the highest; 0 means no limit
 * @param noise "Sigma noise", the standard deviation of added noise, 1 in theory
 * @param schedule null for the scheduler's own
 * @param uniPc null for the usual
 */
public record SamplerOptions(
        @Nullable Double eta,
        double churn,
        double tmin,
        double tmax,
        double noise,
        ScheduleOptions schedule,
        UniPcOptions uniPc) {
    public static final SamplerOptions DEFAULT = new SamplerOptions(null, 0, 0, 0, 1);

    /** @throws IllegalArgumentException if a value is negative or not finite; the message names it */
    public SamplerOptions {
        if (eta != null) {
            ScheduleOptions.requireNotNegative("eta", eta);
        }
        ScheduleOptions.requireNotNegative("churn", churn);
        ScheduleOptions.requireNotNegative("tmin", tmin);
        ScheduleOptions.requireNotNegative("tmax", tmax);
        ScheduleOptions.requireNotNegative("noise", noise);
        schedule = schedule == null
                ? ScheduleOptions.DEFAULT
                : schedule; // requests that were stored before there were any
        uniPc = uniPc == null ? UniPcOptions.DEFAULT : uniPc; // the same
    }

    public SamplerOptions(@Nullable Double eta, double churn, double tmin, double tmax, double noise) {
        this(eta, churn, tmin, tmax, noise, ScheduleOptions.DEFAULT, UniPcOptions.DEFAULT);
    }
}
