package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Restart sampling (Xu et al. 2023, arXiv 2306.14878): {@link Heun} steps that, once near the end, go back up with
 * fresh noise and come down again. How often and how far is AUTOMATIC1111's choice; from 20 steps on it also replaces
 * the noise levels by those of Karras et al. 2022.
 */
record Restart(StepNoise noise) implements Sampler {
    private static final float FROM = 0.1f;
    private static final float UP_TO = 2;

    /** A Heun step; one that begins above the end of the step before it is a restart. */
    private record Interval(float start, float end) {}

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        List<Interval> intervals = intervals(sigmas);
        float sigma = intervals.getFirst().start;
        for (int i = 0; i < intervals.size(); i++) {
            Interval interval = intervals.get(i);
            if (interval.start > sigma) {
                double added = Math.sqrt((double) interval.start * interval.start - (double) sigma * sigma);
                x = Latents.plus(x, added, noise.between(sigma, interval.start));
            }
            x = Heun.step(model, x, interval.start, interval.end);
            sigma = interval.end;
            listener.finished(i + 1, intervals.size());
        }
        return x;
    }

    private static List<Interval> intervals(float[] sigmas) {
        int steps = sigmas.length - 1;
        if (steps < 20) {
            return between(sigmas);
        }
        int restarts = steps < 36 ? 1 : 2;
        int restartSteps = steps < 36 ? 9 : steps / 4;
        int once = steps - restartSteps * restarts;
        float[] levels = Arrays.copyOf(SigmaSpacing.karras(sigmas[steps - 1], sigmas[0], once), once + 1);
        int bottom = nearest(levels, FROM);
        int top = nearest(levels, UP_TO);
        List<Interval> intervals = between(levels);
        if (top < bottom) {
            float[] again = SigmaSpacing.karras(levels[bottom], levels[top], restartSteps + 1);
            for (int i = 0; i < restarts; i++) {
                intervals.addAll(bottom, between(again));
            }
        }
        return intervals;
    }

    private static List<Interval> between(float[] levels) {
        List<Interval> intervals = new ArrayList<>();
        for (int i = 0; i + 1 < levels.length; i++) {
            intervals.add(new Interval(levels[i], levels[i + 1]));
        }
        return intervals;
    }

    private static int nearest(float[] levels, float sigma) {
        int nearest = 0;
        for (int i = 1; i < levels.length; i++) {
            if (Math.abs(levels[i] - sigma) < Math.abs(levels[nearest] - sigma)) {
                nearest = i;
            }
        }
        return nearest;
    }
}
