package dev.atelier.merge;

import dev.atelier.checkpoint.ComputedTensor;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Shape;

/** A tensor whose elements are computed in fp64 whatever its type is, and rounded once. */
public abstract class ExactTensor extends ComputedTensor {
    protected ExactTensor(DType dtype, Shape shape) {
        super(dtype, shape);
    }

    @Override
    protected final void compute(long first, float[] target, int count) {
        try (Scratch scratch = Scratch.borrow()) {
            double[] exact = scratch.doubles();
            compute(first, exact, count);
            for (int i = 0; i < count; i++) {
                target[i] = (float) exact[i];
            }
        }
    }
}
