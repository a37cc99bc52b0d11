package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;

/** A tensor whose bytes lie contiguous in memory, on the Java heap or off it, and in no file. */
record MemoryTensor(DType dtype, Shape shape, MemorySegment bytes) implements Tensor {
    MemoryTensor {
        if (bytes.byteSize() != dtype.bytes(shape.elements())) {
            throw new IllegalArgumentException(
                    "%d bytes do not fill a tensor %s of type %s".formatted(bytes.byteSize(), shape, dtype));
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        MemorySegment.copy(bytes, offset, target, 0, target.byteSize());
    }

    @Override
    public void read(long first, float[] target, int count) {
        Elements.decode(dtype, bytes, first, target, count);
    }

    @Override
    public void read(long first, double[] target, int count) {
        Elements.decode(dtype, bytes, first, target, count);
    }
}
