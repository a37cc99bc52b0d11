package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A lazy tensor: its type and shape are known, its elements are produced range by range when a sink asks for them.
 * Elements are row-major and little-endian. Reading is thread-safe and repeatable.
 */
public interface Tensor {
    /**
     * A tensor over memory that is no file: {@code bytes} is not copied, and must stay as it is for as long as the tensor
     * is read.
     *
     * @throws IllegalArgumentException if {@code bytes} is not as long as the type and the shape say
     */
    static Tensor of(DType dtype, Shape shape, MemorySegment bytes) {
        return new MemoryTensor(dtype, shape, bytes);
    }

    DType dtype();

    Shape shape();

    /**
     * Fills {@code target} with the tensor's bytes from {@code offset} on.
     *
     * @param offset a byte offset; for computed tensors a multiple of the element size, as is the target's length
     */
    void read(long offset, MemorySegment target);

    /**
     * Reads {@code count} elements from index {@code first} on as fp32 numbers; wider types are rounded.
     *
     * @param count at most {@link Scratch#SIZE}
     * @throws UnsupportedOperationException if the type is not numeric
     */
    void read(long first, float[] target, int count);

    /** As {@link #read(long, float[], int)} in fp64, which is exact for every floating type. */
    void read(long first, double[] target, int count);

    /** The elements in place, where they lie contiguous and unchanged in a mapped file. */
    default Optional<MemorySegment> mapped() {
        return Optional.empty();
    }

    default long byteSize() {
        return dtype().bytes(shape().elements());
    }

    /**
     * This tensor with its elements converted to a floating type, rounding to nearest even; fp16 overflows to infinity
     * from 65520 on, as PyTorch's {@code .half()} does.
     */
    default Tensor to(DType target) {
        return target == dtype() ? this : new CastTensor(this, target);
    }
}
