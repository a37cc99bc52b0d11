package dev.atelier.merge;

import dev.atelier.checkpoint.DType;

/** The elements of a tensor in memory, in no more precision than its type has: 4 bytes each, or 8 if it is fp64. */
final class Numbers {
    private final float[] singles;
    private final double[] doubles;

    Numbers(DType dtype, long elements) {
        int length = Math.toIntExact(elements);
        Room.make(length * (dtype == DType.F64 ? 8L : 4L));
        singles = new float[dtype == DType.F64 ? 0 : length];
        doubles = new double[dtype == DType.F64 ? length : 0];
    }

    double get(int index) {
        return doubles.length == 0 ? singles[index] : doubles[index];
    }

    void set(int index, double value) {
        if (doubles.length == 0) {
            singles[index] = (float) value;
        } else {
            doubles[index] = value;
        }
    }

    void sort() {
        java.util.Arrays.sort(singles);
        java.util.Arrays.sort(doubles);
    }
}
