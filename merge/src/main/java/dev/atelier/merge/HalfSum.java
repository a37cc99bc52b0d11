package dev.atelier.merge;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * p·A + q·B of two fp16 tensors as {@code plain} computes it, but in half as many passes over the numbers: this is the merge that is
 * asked for most.
 */
record HalfSum(Tensor a, float p, Tensor b, float q, Tensor plain) implements Tensor {
    @Override
    public DType dtype() {
        return plain.dtype();
    }

    @Override
    public Shape shape() {
        return plain.shape();
    }

    @Override
    public void read(long offset, MemorySegment target) {
        short[] halves = new short[Scratch.SIZE];
        MemorySegment bytes = MemorySegment.ofArray(halves);
        try (Scratch left = Scratch.borrow();
                Scratch right = Scratch.borrow()) {
            for (long done = 0; done < target.byteSize(); done += bytes.byteSize()) {
                MemorySegment block = bytes.asSlice(0, Math.min(bytes.byteSize(), target.byteSize() - done));
                int count = (int) (block.byteSize() / 2);
                a.read(offset + done, block);
                multiply(halves, p, left.floats(), count);
                b.read(offset + done, block);
                multiply(halves, q, right.floats(), count);
                add(left.floats(), right.floats(), halves, count);
                MemorySegment.copy(block, 0, target, done, block.byteSize());
            }
        }
    }

    private static void multiply(short[] halves, float factor, float[] products, int count) {
        for (int i = 0; i < count; i++) {
            products[i] = Float.float16ToFloat(Float.floatToFloat16(factor * Float.float16ToFloat(halves[i])));
        }
    }

    private static void add(float[] left, float[] right, short[] sums, int count) {
        for (int i = 0; i < count; i++) {
            sums[i] = Float.floatToFloat16(left[i] + right[i]);
        }
    }

    @Override
    public void read(long first, float[] target, int count) {
        plain.read(first, target, count);
    }

    @Override
    public void read(long first, double[] target, int count) {
        plain.read(first, target, count);
    }
}
