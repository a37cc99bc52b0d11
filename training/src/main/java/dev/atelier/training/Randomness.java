package dev.atelier.training;

import dev.atelier.model.FloatArray;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * All random numbers of a run: each purpose has its own at each step, whatever was drawn before. So nothing about them has
 * to be saved, and looking at a picture in between changes nothing.
 */
record Randomness(long seed) {
    /** The numbers for {@code purpose} at {@code step}. */
    RandomGenerator at(String purpose, long step) {
        // two rounds of SplittableRandom's own mixing keep neighbouring steps and purposes apart
        long mixed = new SplittableRandom(seed ^ ((long) purpose.hashCode() << 32)).nextLong();
        return new SplittableRandom(mixed + new SplittableRandom(step).nextLong());
    }

    /** Standard normal numbers. */
    static FloatArray normal(RandomGenerator random, int... shape) {
        int size = 1;
        for (int length : shape) {
            size *= length;
        }
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return FloatArray.of(values, shape);
    }
}
