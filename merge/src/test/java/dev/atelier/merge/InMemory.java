package dev.atelier.merge;

import dev.atelier.checkpoint.ComputedTensor;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;

/** A tensor of given numbers, rounded to its type. */
public final class InMemory extends ComputedTensor {
    private final double[] values;

    public InMemory(DType dtype, Shape shape, double... values) {
        super(dtype, shape);
        if (values.length != shape.elements()) {
            throw new IllegalArgumentException(values.length + " numbers for " + shape);
        }
        this.values = values;
    }

    public static InMemory exact(double... values) {
        return new InMemory(DType.F64, Shape.of(values.length), values);
    }

    @Override
    protected void compute(long first, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = (float) values[(int) first + i];
        }
    }

    @Override
    protected void compute(long first, double[] target, int count) {
        System.arraycopy(values, (int) first, target, 0, count);
    }
}
