package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The ways of spacing the noise levels of a run. Each gives {@code steps + 1} falling levels, the last of them 0 unless
 * it says otherwise. Computed in fp32, as in AUTOMATIC1111.
 */
final class SigmaSpacing {
    private static final double RHO = 7;

    private SigmaSpacing() {}

    /** Evenly spaced in time, from the last training timestep to the first. */
    static float[] uniform(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        return withZero(inTime(schedule, linspace(schedule.lastTimestep(), schedule.firstTimestep(), steps)));
    }

    /** Evenly spaced in time, between the levels asked for. */
    static float[] normal(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        return withZero(inTime(schedule, timesteps(schedule, options, steps)));
    }

    /** Evenly spaced in time, the last step from the level before the lowest to 0: Stability's generative models. */
    static float[] sgmUniform(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        return withZero(inTime(schedule, Arrays.copyOf(timesteps(schedule, options, steps + 1), steps)));
    }

    private static float[] timesteps(NoiseSchedule schedule, ScheduleOptions options, int count) {
        return linspace(schedule.timestep(options.max(schedule)), schedule.timestep(options.min(schedule)), count);
    }

    private static float[] inTime(NoiseSchedule schedule, float[] timesteps) {
        float[] sigmas = new float[timesteps.length];
        for (int i = 0; i < sigmas.length; i++) {
            sigmas[i] = schedule.sigma(timesteps[i]);
        }
        return sigmas;
    }

    /** Karras et al. 2022 (arXiv 2206.00364), equation 5, with ρ = 7. */
    static float[] karras(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        return withZero(karras(options.min(schedule), options.max(schedule), options.rho(RHO), steps));
    }

    /** {@code count} levels from {@code max} to {@code min}, without a 0 after them. */
    static float[] karras(float min, float max, int count) {
        return karras(min, max, RHO, count);
    }

    private static float[] karras(float min, float max, double rho, int count) {
        double high = Math.pow(max, 1 / rho);
        double low = Math.pow(min, 1 / rho);
        float[] sigmas = linspace(0, 1, count);
        for (int i = 0; i < count; i++) {
            sigmas[i] = (float) Math.pow((float) high + sigmas[i] * (float) (low - high), rho);
        }
        return sigmas;
    }

    /** Evenly spaced in ln σ. */
    static float[] exponential(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        float high = (float) Math.log(options.max(schedule));
        float[] sigmas = linspace(high, (float) Math.log(options.min(schedule)), steps);
        for (int i = 0; i < steps; i++) {
            sigmas[i] = (float) Math.exp(sigmas[i]);
        }
        return withZero(sigmas);
    }

    /** A power ρ of an even spacing in ln σ; with ρ = 1 the levels are those of {@link #exponential}. */
    static float[] polyexponential(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        double logMin = Math.log(options.min(schedule));
        double logRange = Math.log(options.max(schedule)) - logMin;
        double rho = options.rho(1);
        float[] sigmas = linspace(1, 0, steps);
        for (int i = 0; i < steps; i++) {
            sigmas[i] = (float) Math.exp((float) Math.pow(sigmas[i], rho) * (float) logRange + (float) logMin);
        }
        return withZero(sigmas);
    }

    /**
     * Sabour et al. 2024 (arXiv 2404.14507), theorem 3.1: evenly spaced in arctan σ. As in AUTOMATIC1111 it ends at
     * σ_min, not at 0.
     */
    static float[] klOptimal(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        float min = (float) Math.atan(options.min(schedule));
        float max = (float) Math.atan(options.max(schedule));
        float[] sigmas = new float[steps + 1];
        for (int i = 0; i <= steps; i++) {
            float share = (float) i / steps;
            sigmas[i] = (float) Math.tan(share * min + (1 - share) * max);
        }
        return sigmas;
    }

    static float[] alignYourSteps(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        return withZero(schedule.alignYourSteps().levels(steps));
    }

    /** Every so many entries of the noise table, from its end. */
    static float[] simple(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        float[] sigmas = new float[steps];
        for (int i = 0; i < steps; i++) {
            sigmas[i] = schedule.tableSigma(schedule.tableSize() - 1 - i * schedule.tableSize() / steps);
        }
        return withZero(sigmas);
    }

    /**
     * Every so many entries of the noise table, from the second one on: Song et al. 2021 (arXiv 2010.02502) as CompVis
     * wrote it. Where the steps do not divide the table there are more of them than asked for.
     */
    static float[] ddim(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        int stride = Math.max(schedule.tableSize() / steps, 1);
        int count = Math.ceilDiv(schedule.tableSize() - 1, stride);
        float[] sigmas = new float[count];
        for (int i = 0; i < count; i++) {
            sigmas[count - 1 - i] = schedule.tableSigma(1 + i * stride);
        }
        return withZero(sigmas);
    }

    /** Lee et al. 2024, "Beta Sampling is All You Need" (arXiv 2407.12173), over σ; usually α = β = 0.6. */
    static float[] beta(NoiseSchedule schedule, ScheduleOptions options, int steps) {
        BetaDistribution distribution = new BetaDistribution(options.alpha(), options.beta());
        double min = options.min(schedule);
        double max = options.max(schedule);
        float[] sigmas = new float[steps];
        for (int i = 0; i < steps; i++) {
            double share = steps == 1 ? 0 : (double) i / (steps - 1);
            sigmas[i] = (float) (min + distribution.quantile(1 - share) * (max - min));
        }
        return withZero(sigmas);
    }

    /**
     * The timesteps that CompVis samples at, 1 and every so many after it. The run ends at timestep 1, not at 0; where
     * the steps divide the table they are one fewer than asked for.
     */
    static float[] timesteps(NoiseSchedule schedule, int steps) {
        int[] timesteps = compvisTimesteps(schedule, steps);
        float[] sigmas = new float[timesteps.length];
        for (int i = 0; i < sigmas.length; i++) {
            sigmas[i] = schedule.tableSigma(timesteps[timesteps.length - 1 - i]);
        }
        return sigmas;
    }

    /** From the last timestep to the first, in as many steps as CompVis has timesteps. */
    static float[] unipc(NoiseSchedule schedule, UniPcOptions options, int steps) {
        return unipc(schedule, options, schedule.lastTimestep(), compvisTimesteps(schedule, steps).length);
    }

    /** From a timestep to the first, in so many steps. Timestep t is the time (t + 1)/1000. */
    static float[] unipc(NoiseSchedule schedule, UniPcOptions options, int timestep, int steps) {
        double high = schedule.sigmaByAlpha(timestep);
        double low = schedule.sigmaByAlpha(0);
        float[] sigmas = new float[steps + 1];
        for (int i = 0; i <= steps; i++) {
            double left = (double) (steps - i) / steps;
            sigmas[i] = switch (options.spacing()) {
                case TIME_UNIFORM -> schedule.sigmaByAlpha(timestep * left);
                case TIME_QUADRATIC -> {
                    double root = 1 + (Math.sqrt(timestep + 1) - 1) * left;
                    yield schedule.sigmaByAlpha(Math.clamp(root * root - 1, 0, timestep));
                }
                case LOG_SNR -> (float) (low * Math.pow(high / low, left));
            };
        }
        return sigmas;
    }

    static int[] compvisTimesteps(NoiseSchedule schedule, int steps) {
        int stride = schedule.tableSize() / steps;
        return IntStream.iterate(0, t -> t < schedule.tableSize(), t -> t + stride)
                .map(t -> Math.min(t + 1, schedule.lastTimestep()))
                .toArray();
    }

    private static float[] withZero(float[] sigmas) {
        return Arrays.copyOf(sigmas, sigmas.length + 1);
    }

    /** Evenly spaced values, computed from both ends towards the middle and rounded once, as {@code torch.linspace} is. */
    private static float[] linspace(float start, float end, int count) {
        float[] values = new float[count];
        values[0] = start;
        float step = (end - start) / (count - 1);
        for (int i = 1; i < count; i++) {
            values[i] = i < count / 2 ? Math.fma(step, i, start) : Math.fma(-step, count - 1 - i, end);
        }
        return values;
    }
}
