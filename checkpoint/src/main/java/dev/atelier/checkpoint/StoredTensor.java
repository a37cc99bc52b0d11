package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A tensor whose bytes lie contiguous in a mapped file. */
record StoredTensor(DType dtype, Shape shape, MemorySegment bytes) implements Tensor {
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

    @Override
    public Optional<MemorySegment> mapped() {
        return Optional.of(bytes);
    }
}
