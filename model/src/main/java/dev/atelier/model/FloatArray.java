package dev.atelier.model;

import java.util.Arrays;

/**
 * A dense fp32 array with its shape, row-major: what crosses the seam between the samplers (plain Java) and an engine.
 * Latents, embeddings and images are small next to a network call, so they are copied rather than shared.
 */
public final class FloatArray {
    private final float[] values;
    private final int[] shape;

    private FloatArray(float[] values, int[] shape) {
        long elements = 1;
        for (int size : shape) {
            elements = Math.multiplyExact(elements, (long) size);
        }
        if (elements != values.length) {
            throw new IllegalArgumentException(
                    "%d values do not fill the shape %s".formatted(values.length, Arrays.toString(shape)));
        }
        this.values = values;
        this.shape = shape.clone();
    }

    /** Wraps {@code values} without copying them. */
    public static FloatArray of(float[] values, int... shape) {
        return new FloatArray(values, shape);
    }

    /** The elements, row-major; the array itself, not a copy. */
    public float[] values() {
        return values;
    }

    public int[] shape() {
        return shape.clone();
    }

    /** The size of axis {@code axis}. */
    public int size(int axis) {
        return shape[axis];
    }

    /** Rows {@code [from, to)} of the first axis, copied. */
    public FloatArray rows(int from, int to) {
        int row = values.length / Math.max(1, shape[0]);
        int[] part = shape.clone();
        part[0] = to - from;
        return new FloatArray(Arrays.copyOfRange(values, from * row, to * row), part);
    }

    /** Whether each row is, bit by bit, the one that lies so many before it. */
    boolean repeatsAfter(int period) {
        int part = values.length / shape[0] * period;
        return Arrays.equals(values, part, values.length, values, 0, values.length - part);
    }

    @Override
    public String toString() {
        return "FloatArray" + Arrays.toString(shape);
    }
}
