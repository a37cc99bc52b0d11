package dev.atelier.diffusion;

/**
 * How a run's noise levels depart from those that its scheduler would choose: AUTOMATIC1111's settings. A sampler with
 * levels of its own takes none of them, and a scheduler only those that it knows.
 *
 * @param sigmaMin "Sigma min", the lowest noise level above 0; 0 for the network's
 * @param sigmaMax "Sigma max", the highest; 0 for the network's
 * @param rho how {@link Scheduler#KARRAS} and {@link Scheduler#POLYEXPONENTIAL} are bent; 0 for their own, which is 7 and 1
 * @param alpha of {@link Scheduler#BETA}, 0.01 to 10; below {@code beta} there are more low levels, above it more high ones
 * @param beta of {@link Scheduler#BETA}, 0.01 to 10
 * @param discardPenultimate whether one more level is planned and the last but one left out, as some samplers always do
 * @param sgmNoise "SGM noise multiplier", whether a run from noise starts with √(1 + σ²) of it in place of σ
 */
public record ScheduleOptions(
        double sigmaMin,
        double sigmaMax,
        double rho,
        double alpha,
        double beta,
        boolean discardPenultimate,
        boolean sgmNoise) {
    /** As the scheduler has it. */
    public static final ScheduleOptions DEFAULT = new ScheduleOptions(0, 0, 0, 0.6, 0.6, false, false);

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public ScheduleOptions {
        requireNotNegative("sigma min", sigmaMin);
        requireNotNegative("sigma max", sigmaMax);
        requireNotNegative("rho", rho);
        requireShape("alpha", alpha);
        requireShape("beta", beta);
    }

    static void requireNotNegative(String name, double value) {
        if (!(value >= 0 && Double.isFinite(value))) {
            throw new IllegalArgumentException("%s must be 0 or more, but is %s".formatted(name, value));
        }
    }

    private static void requireShape(String name, double value) {
        if (!(value >= 0.01 && value <= 10)) {
            throw new IllegalArgumentException(
                    "the beta schedule's %s must be between 0.01 and 10, but is %s".formatted(name, value));
        }
    }

    float min(NoiseSchedule schedule) {
        return sigmaMin == 0 ? schedule.sigmaMin() : (float) sigmaMin;
    }

    /** @throws IllegalArgumentException if it is not above the lowest */
    float max(NoiseSchedule schedule) {
        float max = sigmaMax == 0 ? schedule.sigmaMax() : (float) sigmaMax;
        if (max <= min(schedule)) {
            throw new IllegalArgumentException(
                    "the noise levels must fall, but sigma max is %s and sigma min %s".formatted(max, min(schedule)));
        }
        return max;
    }

    double rho(double standard) {
        return rho == 0 ? standard : rho;
    }
}
