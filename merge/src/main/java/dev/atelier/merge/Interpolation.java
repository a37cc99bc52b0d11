package dev.atelier.merge;

/** Between two numbers. */
final class Interpolation {
    private Interpolation() {}

    /** As {@code torch.lerp} evaluates it: exact at both ends. */
    static double lerp(double a, double b, double weight) {
        return Math.abs(weight) < 0.5 ? a + weight * (b - a) : b - (b - a) * (1 - weight);
    }

    static double clamp(double value, double low, double high) {
        return Math.min(Math.max(value, low), high);
    }

    /** The quotient, or 0 where it is undefined. */
    static double ratio(double numerator, double denominator) {
        double quotient = numerator / denominator;
        return Double.isNaN(quotient) ? 0 : quotient;
    }
}
