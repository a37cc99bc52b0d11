package dev.atelier.checkpoint;

import java.util.Arrays;

/** The sizes of a tensor's axes, outermost first; a scalar has none. */
public final class Shape {
    private final long[] sizes;

    private Shape(long[] sizes) {
        this.sizes = sizes;
    }

    /** @throws IllegalArgumentException if a size is negative */
    public static Shape of(long... sizes) {
        for (long size : sizes) {
            if (size < 0) {
                throw new IllegalArgumentException("negative size in shape " + Arrays.toString(sizes));
            }
        }
        return new Shape(sizes.clone());
    }

    public int rank() {
        return sizes.length;
    }

    public long size(int axis) {
        return sizes[axis];
    }

    public long[] sizes() {
        return sizes.clone();
    }

    /**
     * The number of elements: the product of the sizes, 1 for a scalar.
     *
     * @throws ArithmeticException if the product overflows, also where a later size of 0 would rescue it
     */
    public long elements() {
        long product = 1;
        for (long size : sizes) {
            product = Math.multiplyExact(product, size);
        }
        return product;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(sizes, shape.sizes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(sizes);
    }

    @Override
    public String toString() {
        return Arrays.toString(sizes);
    }
}
