package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The ways of spacing the noise levels of a run. Each gives {@code steps + 1} falling levels, the last of them 0 unless
 * it says otherwise. Computed in fp32, as in AUTOMATIC1111.
 */
final class SigmaSpacing {
    private static final double RHO = 7;
    private static final SymmetricBeta BETA = new SymmetricBeta(0.6);

    private SigmaSpacing() {}

    /** Evenly spaced in time, from the last training timestep to the first. */
    static float[] uniform(NoiseSchedule schedule, int steps) {
        return withZero(inTime(schedule, linspace(schedule.lastTimestep(), schedule.firstTimestep(), steps)));
    }

    /** Evenly spaced in time, the last step from the level before the first timestep to 0: Stability's generative models. */
    static float[] sgmUniform(NoiseSchedule schedule, int steps) {
        float[] timesteps = linspace(schedule.lastTimestep(), schedule.firstTimestep(), steps + 1);
        return withZero(inTime(schedule, Arrays.copyOf(timesteps, steps)));
    }

    private static float[] inTime(NoiseSchedule schedule, float[] timesteps) {
        float[] sigmas = new float[timesteps.length];
        for (int i = 0; i < sigmas.length; i++) {
            sigmas[i] = schedule.sigma(timesteps[i]);
        }
        return sigmas;
    }

    /** Karras et al. 2022 (arXiv 2206.00364), equation 5, with ρ = 7. */
    static float[] karras(NoiseSchedule schedule, int steps) {
        return withZero(karras(schedule.sigmaMin(), schedule.sigmaMax(), steps));
    }

    /** {@code count} levels from {@code max} to {@code min}, without a 0 after them. */
    static float[] karras(float min, float max, int count) {
        double high = Math.pow(max, 1 / RHO);
        double low = Math.pow(min, 1 / RHO);
        float[] sigmas = linspace(0, 1, count);
        for (int i = 0; i < count; i++) {
            sigmas[i] = (float) Math.pow((float) high + sigmas[i] * (float) (low - high), RHO);
        }
        return sigmas;
    }

    /** Evenly spaced in ln σ. */
    static float[] exponential(NoiseSchedule schedule, int steps) {
        float[] sigmas = linspace((float) Math.log(schedule.sigmaMax()), (float) Math.log(schedule.sigmaMin()), steps);
        for (int i = 0; i < steps; i++) {
            sigmas[i] = (float) Math.exp(sigmas[i]);
        }
        return withZero(sigmas);
    }

    /** A power of an even spacing in ln σ; the power is 1, and the levels are those of {@link #exponential}. */
    static float[] polyexponential(NoiseSchedule schedule, int steps) {
        double logMin = Math.log(schedule.sigmaMin());
        double logRange = Math.log(schedule.sigmaMax()) - logMin;
        float[] sigmas = linspace(1, 0, steps);
        for (int i = 0; i < steps; i++) {
            sigmas[i] = (float) Math.exp(sigmas[i] * (float) logRange + (float) logMin);
        }
        return withZero(sigmas);
    }

    /**
     * Sabour et al. 2024 (arXiv 2404.14507), theorem 3.1: evenly spaced in arctan σ. As in AUTOMATIC1111 it ends at
     * σ_min, not at 0.
     */
    static float[] klOptimal(NoiseSchedule schedule, int steps) {
        float min = (float) Math.atan(schedule.sigmaMin());
        float max = (float) Math.atan(schedule.sigmaMax());
        float[] sigmas = new float[steps + 1];
        for (int i = 0; i <= steps; i++) {
            float share = (float) i / steps;
            sigmas[i] = (float) Math.tan(share * min + (1 - share) * max);
        }
        return sigmas;
    }

    static float[] alignYourSteps(NoiseSchedule schedule, int steps) {
        return withZero(schedule.alignYourSteps().levels(steps));
    }

    /** Every so many entries of the noise table, from its end. */
    static float[] simple(NoiseSchedule schedule, int steps) {
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
    static float[] ddim(NoiseSchedule schedule, int steps) {
        int stride = Math.max(schedule.tableSize() / steps, 1);
        int count = Math.ceilDiv(schedule.tableSize() - 1, stride);
        float[] sigmas = new float[count];
        for (int i = 0; i < count; i++) {
            sigmas[count - 1 - i] = schedule.tableSigma(1 + i * stride);
        }
        return withZero(sigmas);
    }

    /** Lee et al. 2024, "Beta Sampling is All You Need" (arXiv 2407.12173), over σ; α = β = 0.6. */
    static float[] beta(NoiseSchedule schedule, int steps) {
        double min = schedule.sigmaMin();
        double max = schedule.sigmaMax();
        float[] sigmas = new float[steps];
        for (int i = 0; i < steps; i++) {
            double share = steps == 1 ? 0 : (double) i / (steps - 1);
            sigmas[i] = (float) (min + BETA.quantile(1 - share) * (max - min));
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

    /** Evenly spaced in time from the last timestep to the first, in as many steps as CompVis has timesteps. */
    static float[] unipc(NoiseSchedule schedule, int steps) {
        return unipc(schedule, schedule.lastTimestep(), compvisTimesteps(schedule, steps).length);
    }

    /** Evenly spaced in time from a timestep to the first, in so many steps. */
    static float[] unipc(NoiseSchedule schedule, int timestep, int steps) {
        float[] sigmas = new float[steps + 1];
        for (int i = 0; i <= steps; i++) {
            sigmas[i] = schedule.sigmaByAlpha((double) timestep * (steps - i) / steps);
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
