package dev.atelier.diffusion;

import org.jspecify.annotations.Nullable;

/**
 * Settings of samplers, under AUTOMATIC1111's names. A sampler takes the ones that it knows.
 *
 * @param eta how much of the noise in the latent each step replaces by fresh noise; null for the sampler's own, which is
 *     0 for DDIM and 1 for all others
 * @param churn "Sigma churn", 0 to add no noise before a step
 * @param tmin "Sigma tmin", the lowest noise level that churn applies to
 * @param tmax "Sigma tmax", the highest; 0 means no limit
 * @param noise "Sigma noise", the standard deviation of added noise, 1 in theory
 */
public record SamplerOptions(@Nullable Double eta, double churn, double tmin, double tmax, double noise) {
    public static final SamplerOptions DEFAULT = new SamplerOptions(null, 0, 0, 0, 1);

    /** @throws IllegalArgumentException if a value is negative or not finite; the message names it */
    public SamplerOptions {
        if (eta != null) {
            requireNotNegative("eta", eta);
        }
        requireNotNegative("churn", churn);
        requireNotNegative("tmin", tmin);
        requireNotNegative("tmax", tmax);
        requireNotNegative("noise", noise);
    }

    private static void requireNotNegative(String name, double value) {
        if (!(value >= 0 && Double.isFinite(value))) {
            throw new IllegalArgumentException("%s must be 0 or more, but is %s".formatted(name, value));
        }
    }
}
