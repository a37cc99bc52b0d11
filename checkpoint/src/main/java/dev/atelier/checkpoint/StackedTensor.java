package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** The rows of several tensors of one type below each other. */
final class StackedTensor implements Tensor {
    private final List<Tensor> parts;
    private final Shape shape;

    /** @throws IllegalArgumentException if the parts differ in type, or in shape but for the number of rows */
    StackedTensor(List<Tensor> parts) {
        Tensor first = parts.getFirst();
        long[] sizes = first.shape().sizes();
        if (sizes.length == 0) {
            throw new IllegalArgumentException("scalars cannot be stacked");
        }
        sizes[0] = 0;
        for (Tensor part : parts) {
            long[] of = part.shape().sizes();
            if (part.dtype() != first.dtype()
                    || of.length != sizes.length
                    || !java.util.Arrays.equals(of, 1, of.length, sizes, 1, sizes.length)) {
                throw new IllegalArgumentException("%s %s cannot be stacked on %s %s"
                        .formatted(part.dtype(), part.shape(), first.dtype(), first.shape()));
            }
            sizes[0] = Math.addExact(sizes[0], of[0]);
        }
        this.parts = List.copyOf(parts);
        this.shape = Shape.of(sizes);
    }

    @Override
    public DType dtype() {
        return parts.getFirst().dtype();
    }

    @Override
    public Shape shape() {
        return shape;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        long begin = 0;
        long end = offset + target.byteSize();
        for (Tensor part : parts) {
            long from = Math.max(offset, begin);
            long to = Math.min(end, begin + part.byteSize());
            if (from < to) {
                part.read(from - begin, target.asSlice(from - offset, to - from));
            }
            begin += part.byteSize();
        }
    }

    @Override
    public void read(long first, float[] target, int count) {
        try (Scratch scratch = Scratch.borrow()) {
            float[] block = scratch.floats();
            long begin = 0;
            for (Tensor part : parts) {
                long elements = part.shape().elements();
                long from = Math.max(first, begin);
                int length = (int) (Math.min(first + count, begin + elements) - from);
                if (length > 0) {
                    part.read(from - begin, block, length);
                    System.arraycopy(block, 0, target, (int) (from - first), length);
                }
                begin += elements;
            }
        }
    }

    @Override
    public void read(long first, double[] target, int count) {
        try (Scratch scratch = Scratch.borrow()) {
            double[] block = scratch.doubles();
            long begin = 0;
            for (Tensor part : parts) {
                long elements = part.shape().elements();
                long from = Math.max(first, begin);
                int length = (int) (Math.min(first + count, begin + elements) - from);
                if (length > 0) {
                    part.read(from - begin, block, length);
                    System.arraycopy(block, 0, target, (int) (from - first), length);
                }
                begin += elements;
            }
        }
    }
}
