package dev.atelier.merge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.MemorySegment;

/** What lazy tensors hold. */
public final class Tensors {
    private Tensors() {}

    public static byte[] bits(Tensor tensor) {
        byte[] bytes = new byte[Math.toIntExact(tensor.byteSize())];
        tensor.read(0, MemorySegment.ofArray(bytes));
        return bytes;
    }

    public static float[] floats(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        assertThat(values.length).isLessThanOrEqualTo(Scratch.SIZE);
        tensor.read(0, values, values.length);
        return values;
    }

    /** The type, shape and bits of one tensor. */
    public static void assertSame(String name, Tensor actual, Tensor expected) {
        assertThat(actual.dtype()).as(name).isEqualTo(expected.dtype());
        assertThat(actual.shape()).as(name).isEqualTo(expected.shape());
        assertThat(bits(actual)).as(name).isEqualTo(bits(expected));
    }

    /** The same names, and under each name the same type, shape and bits. */
    public static void assertSame(Checkpoint actual, Checkpoint expected) {
        assertThat(actual.tensors()).containsOnlyKeys(expected.tensors().keySet());
        expected.tensors().forEach((name, tensor) -> assertSame(name, actual.tensor(name), tensor));
    }
}
