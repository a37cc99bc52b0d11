package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** The rows {@code [firstRow, firstRow + rows)} of {@code source}: a range of its outermost axis, contiguous in it. */
final class RowsTensor implements Tensor {
    private final Tensor source;
    private final Shape shape;
    private final long firstElement;

    RowsTensor(Tensor source, long firstRow, long rows) {
        long[] sizes = source.shape().sizes();
        if (sizes.length == 0 || firstRow < 0 || rows < 0 || firstRow > sizes[0] - rows) {
            throw new IllegalArgumentException(
                    "%s has no %d rows from row %d on".formatted(source.shape(), rows, firstRow));
        }
        long rowElements = sizes[0] == 0 ? 0 : source.shape().elements() / sizes[0];
        sizes[0] = rows;
        this.source = source;
        this.shape = Shape.of(sizes);
        this.firstElement = firstRow * rowElements;
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
        source.read(dtype().bytes(firstElement) + offset, target);
    }

    @Override
    public void read(long first, float[] target, int count) {
        source.read(firstElement + first, target, count);
    }

    @Override
    public void read(long first, double[] target, int count) {
        source.read(firstElement + first, target, count);
    }

    @Override
    public Optional<MemorySegment> mapped() {
        return source.mapped().map(bytes -> bytes.asSlice(dtype().bytes(firstElement), byteSize()));
    }
}
