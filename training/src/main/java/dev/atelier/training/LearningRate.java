package dev.atelier.training;

/**
 * A learning rate that rises over the first steps, holds, and falls to nothing along half a cosine over the last ones.
 *
 * @param peak what it holds
 * @param warmup how many steps it rises
 * @param decay how many steps it falls
 * @param steps how many there are
 */
record LearningRate(double peak, int warmup, int decay, int steps) {
    /** At a step, counted from 0. */
    double at(int step) {
        if (step < warmup) {
            return peak * (step + 1) / warmup;
        }
        int left = steps - step;
        return left >= decay ? peak : peak * (1 - Math.cos(Math.PI * left / decay)) / 2;
    }
}
