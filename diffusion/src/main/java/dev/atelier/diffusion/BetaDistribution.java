package dev.atelier.diffusion;

/** The beta distribution, on [0, 1]. */
record BetaDistribution(double alpha, double beta) {
    private static final int TERMS = 64; // the terms of the series fall faster than 2⁻ⁿ
    private static final int HALVINGS = 64;

    /** The value that a share {@code probability} of the distribution lies below. */
    double quantile(double probability) {
        if (probability > 0.5) {
            return 1 - mirrored().quantile(1 - probability);
        }
        double low = 0;
        double high = 1;
        for (int i = 0; i < HALVINGS; i++) {
            double middle = (low + high) / 2;
            if (below(middle) < probability) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }

    @SuppressWarnings("ArgumentSelectionDefectChecker") // this is what mirrors it
    private BetaDistribution mirrored() {
        return new BetaDistribution(beta, alpha);
    }

    private double below(double x) {
        return x > 0.5
                ? 1 - mirrored().below(1 - x)
                : mass(x) / (mass(0.5) + mirrored().mass(0.5));
    }

    /** What lies below x ≤ ½, up to a factor that is that of the mirrored distribution too: the series of DLMF 8.17.7. */
    private double mass(double x) {
        double sum = 0;
        double coefficient = 1; // (1 − β)ₙ xⁿ / n!
        for (int n = 0; n < TERMS; n++) {
            sum += coefficient / (alpha + n);
            coefficient *= (1 - beta + n) / (n + 1) * x;
        }
        return Math.pow(x, alpha) * sum;
    }
}
