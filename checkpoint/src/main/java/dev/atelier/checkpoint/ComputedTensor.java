package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;

/**
 * A tensor of a floating type whose elements are a function of other tensors' elements. Subclasses say what the elements
 * are; rounding to the tensor's type happens here, to nearest, ties to even.
 */
public abstract class ComputedTensor implements Tensor {
    private final DType dtype;
    private final Shape shape;

    protected ComputedTensor(DType dtype, Shape shape) {
        if (!dtype.isFloating()) {
            throw new IllegalArgumentException("cannot compute a tensor of type " + dtype);
        }
        this.dtype = dtype;
        this.shape = shape;
    }

    /** Elements {@code [first, first + count)}, computed in fp32: called for every type up to that. */
    protected abstract void compute(long first, float[] target, int count);

    /** Elements {@code [first, first + count)}, computed in fp64: called for fp64 tensors. */
    protected abstract void compute(long first, double[] target, int count);

    @Override
    public final DType dtype() {
        return dtype;
    }

    @Override
    public final Shape shape() {
        return shape;
    }

    @Override
    public final void read(long first, float[] target, int count) {
        if (dtype == DType.F64) {
            try (Scratch scratch = Scratch.borrow()) {
                double[] values = scratch.doubles();
                compute(first, values, count);
                for (int i = 0; i < count; i++) {
                    target[i] = (float) values[i];
                }
            }
        } else {
            compute(first, target, count);
            Elements.round(dtype, target, count);
        }
    }

    @Override
    public final void read(long first, double[] target, int count) {
        if (dtype == DType.F64) {
            compute(first, target, count);
        } else {
            try (Scratch scratch = Scratch.borrow()) {
                float[] values = scratch.floats();
                read(first, values, count);
                for (int i = 0; i < count; i++) {
                    target[i] = values[i];
                }
            }
        }
    }

    @Override
    public final void read(long offset, MemorySegment target) {
        long first = offset * 8 / dtype.bits();
        long count = target.byteSize() * 8 / dtype.bits();
        if (dtype.bytes(first) != offset || dtype.bytes(count) != target.byteSize()) {
            throw new IllegalArgumentException("offset %d and length %d must be multiples of the size of %s"
                    .formatted(offset, target.byteSize(), dtype));
        }
        try (Scratch scratch = Scratch.borrow()) {
            for (long done = 0; done < count; done += Scratch.SIZE) {
                int block = (int) Math.min(Scratch.SIZE, count - done);
                if (dtype == DType.F64) {
                    compute(first + done, scratch.doubles(), block);
                    Elements.encode(scratch.doubles(), block, target, done);
                } else {
                    compute(first + done, scratch.floats(), block);
                    Elements.encode(dtype, scratch.floats(), block, target, done);
                }
            }
        }
    }
}
