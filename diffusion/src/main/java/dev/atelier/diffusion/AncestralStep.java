package dev.atelier.diffusion;

/**
 * An ancestral step: down to a lower noise level than asked for, and up again with fresh noise. From Ho et al. 2020
 * (arXiv 2006.11239) in k-diffusion's variables.
 *
 * @param down σ_down, where the deterministic part of the step ends
 * @param up σ_up, the standard deviation of the noise to add, so that {@code down² + up² = to²}
 */
record AncestralStep(double down, double up) {

    /** @param eta how much of the noise is fresh: 0 is none, 1 that of the forward process run backwards */
    static AncestralStep of(double from, double to, double eta) {
        double up = Math.min(to, eta * to * Math.sqrt(1 - to * to / (from * from)));
        return new AncestralStep(Math.sqrt(to * to - up * up), up);
    }
}
