package dev.atelier.checkpoint;

import java.util.ArrayDeque;

/**
 * Working memory for one block of elements, lent from a pool of the current thread: evaluating a lazy tensor allocates
 * nothing per block, so a merge's memory does not depend on how often the garbage collector runs.
 *
 * <pre>{@code try (Scratch scratch = Scratch.borrow()) { … scratch.floats() … }}</pre>
 */
public final class Scratch implements AutoCloseable {
    /** Elements of one block: 64 KB of floats, so that a few blocks stay in a core's second-level cache. */
    public static final int SIZE = 16_384;

    private static final ThreadLocal<ArrayDeque<Scratch>> FREE = ThreadLocal.withInitial(ArrayDeque::new);

    private final float[] floats = new float[SIZE];
    private double[] doubles = new double[0];

    private Scratch() {}

    public static Scratch borrow() {
        Scratch free = FREE.get().poll();
        return free == null ? new Scratch() : free;
    }

    public float[] floats() {
        return floats;
    }

    public double[] doubles() {
        if (doubles.length == 0) {
            doubles = new double[SIZE]; // few checkpoints hold fp64 tensors
        }
        return doubles;
    }

    @Override
    public void close() {
        FREE.get().push(this);
    }
}
