package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

/** Tensors from and to plain arrays. */
final class Bits {
    private Bits() {}

    static byte[] of(Tensor tensor) {
        byte[] bytes = new byte[Math.toIntExact(tensor.byteSize())];
        tensor.read(0, MemorySegment.ofArray(bytes));
        return bytes;
    }

    static Tensor tensor(DType dtype, Shape shape, byte[] bytes) {
        assertThat(bytes).hasSize((int) dtype.bytes(shape.elements()));
        return new StoredTensor(dtype, shape, MemorySegment.ofArray(bytes));
    }

    static Tensor floats(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return tensor(DType.F32, Shape.of(values.length), bytes.array());
    }

    static Tensor shorts(DType dtype, short... values) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (short value : values) {
            bytes.putShort(value);
        }
        return tensor(dtype, Shape.of(values.length), bytes.array());
    }

    /** The elements of a tensor of a 16-bit type. */
    static short[] shorts(Tensor tensor) {
        ByteBuffer bytes = ByteBuffer.wrap(of(tensor)).order(ByteOrder.LITTLE_ENDIAN);
        short[] values = new short[bytes.remaining() / 2];
        bytes.asShortBuffer().get(values);
        return values;
    }

    /** Same names, and under each name the same type, shape and bytes. */
    static void assertSame(Map<String, Tensor> actual, Map<String, Tensor> expected) {
        assertThat(actual).containsOnlyKeys(expected.keySet());
        expected.forEach((name, tensor) -> {
            assertThat(actual.get(name).dtype()).as(name).isEqualTo(tensor.dtype());
            assertThat(actual.get(name).shape()).as(name).isEqualTo(tensor.shape());
            assertThat(of(actual.get(name))).as(name).isEqualTo(of(tensor));
        });
    }
}
