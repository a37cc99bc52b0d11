package dev.atelier.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A matrix with rows and columns exchanged. A source that is computed is evaluated once, as a whole, when first read. */
final class TransposedTensor implements Tensor {
    private final Tensor source;
    private final Shape shape;
    private @Nullable Tensor view;

    TransposedTensor(Tensor source) {
        if (source.shape().rank() != 2) {
            throw new IllegalArgumentException("%s is not a matrix".formatted(source.shape()));
        }
        this.source = source;
        this.shape = Shape.of(source.shape().size(1), source.shape().size(0));
    }

    private synchronized Tensor view() {
        if (view == null) {
            MemorySegment bytes = source.mapped().orElseGet(() -> {
                MemorySegment computed = Arena.ofAuto().allocate(source.byteSize(), 8);
                source.read(0, computed);
                return computed;
            });
            view = StridedTensor.of(source.dtype(), shape, bytes, 0, new long[] {1, shape.size(0)});
        }
        return view;
    }

    @Override
    public DType dtype() {
        return source.dtype();
    }

    @Override
    public Shape shape() {
        return shape;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        view().read(offset, target);
    }

    @Override
    public void read(long first, float[] target, int count) {
        view().read(first, target, count);
    }

    @Override
    public void read(long first, double[] target, int count) {
        view().read(first, target, count);
    }
}
