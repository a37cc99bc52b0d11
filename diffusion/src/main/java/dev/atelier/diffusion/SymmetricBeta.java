package dev.atelier.diffusion;

/** The beta distribution with two equal parameters, on [0, 1] and symmetric around ½. */
record SymmetricBeta(double parameter) {
    private static final int TERMS = 64; // the terms of the series fall faster than 2⁻ⁿ
    private static final int HALVINGS = 64;

    /** The value that a share {@code probability} of the distribution lies below. */
    double quantile(double probability) {
        if (probability > 0.5) {
            return 1 - quantile(1 - probability);
        }
        double low = 0;
        double high = 0.5;
        for (int i = 0; i < HALVINGS; i++) {
            double middle = (low + high) / 2;
            if (0.5 * mass(middle) / mass(0.5) < probability) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }

    /** What lies below x ≤ ½, up to a factor that the half below ½ fixes: the series of DLMF 8.17.7. */
    private double mass(double x) {
        double sum = 0;
        double coefficient = 1; // (1 − a)ₙ xⁿ / n!
        for (int n = 0; n < TERMS; n++) {
            sum += coefficient / (parameter + n);
            coefficient *= (1 - parameter + n) / (n + 1) * x;
        }
        return Math.pow(x, parameter) * sum;
    }
}
