package dev.atelier.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A view of a storage whose elements do not lie in row-major order: transposed, sliced or expanded. */
record StridedTensor(DType dtype, Shape shape, MemorySegment storage, long offset, Strides strides) implements Tensor {

    /** Elements to skip per axis. */
    record Strides(java.util.List<Long> elements) {
        long of(int axis) {
            return elements.get(axis);
        }
    }

    /** The tensor at {@code offset} of {@code storage}, both counted in elements: a plain slice where it is contiguous. */
    static Tensor of(DType dtype, Shape shape, MemorySegment storage, long offset, long[] strides) {
        long elements = shape.elements();
        if (elements == 0 || isContiguous(shape, strides)) {
            long begin = elements == 0 ? 0 : dtype.bytes(offset);
            return new StoredTensor(dtype, shape, storage.asSlice(begin, dtype.bytes(elements)));
        }
        var list = java.util.Arrays.stream(strides).boxed().toList();
        return new StridedTensor(dtype, shape, storage, offset, new Strides(list));
    }

    private static boolean isContiguous(Shape shape, long[] strides) {
        long expected = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            if (shape.size(axis) != 1 && strides[axis] != expected) {
                return false;
            }
            expected *= shape.size(axis);
        }
        return true;
    }

    @Override
    public void read(long at, MemorySegment target) {
        int width = dtype.bits() / 8;
        long first = at / width;
        long count = target.byteSize() / width;
        for (long i = 0; i < count; i++) {
            MemorySegment.copy(storage, position(first + i) * width, target, i * width, width);
        }
    }

    /** Where the element of row-major index {@code index} lies in the storage. */
    private long position(long index) {
        long position = offset;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            position += index % shape.size(axis) * strides.of(axis);
            index /= shape.size(axis);
        }
        return position;
    }

    @Override
    public void read(long first, float[] target, int count) {
        try (Arena arena = Arena.ofConfined()) {
            Elements.decode(dtype, gathered(arena, first, count), 0, target, count);
        }
    }

    @Override
    public void read(long first, double[] target, int count) {
        try (Arena arena = Arena.ofConfined()) {
            Elements.decode(dtype, gathered(arena, first, count), 0, target, count);
        }
    }

    private MemorySegment gathered(Arena arena, long first, int count) {
        MemorySegment block = arena.allocate(dtype.bytes(count), 8);
        read(dtype.bytes(first), block);
        return block;
    }
}
