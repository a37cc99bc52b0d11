package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** The elements of {@code source}, in the same order, under another shape. */
record ReshapedTensor(Tensor source, Shape shape) implements Tensor {
    ReshapedTensor {
        if (source.shape().elements() != shape.elements()) {
            throw new IllegalArgumentException("%s has not as many elements as %s".formatted(source.shape(), shape));
        }
    }

    @Override
    public DType dtype() {
        return source.dtype();
    }

    @Override
    public void read(long offset, MemorySegment target) {
        source.read(offset, target);
    }

    @Override
    public void read(long first, float[] target, int count) {
        source.read(first, target, count);
    }

    @Override
    public void read(long first, double[] target, int count) {
        source.read(first, target, count);
    }

    @Override
    public Optional<MemorySegment> mapped() {
        return source.mapped();
    }
}
