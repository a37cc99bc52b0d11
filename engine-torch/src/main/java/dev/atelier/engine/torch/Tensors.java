package dev.atelier.engine.torch;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.model.FloatArray;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** Numbers into and out of libtorch's tensors. */
final class Tensors {
    private Tensors() {}

    /** An fp32 tensor with a copy of {@code values}. */
    static Tensor of(FloatArray values) {
        long[] shape = Arrays.stream(values.shape()).asLongStream().toArray();
        return torch.from_blob(new FloatPointer(values.values()), shape);
    }

    /** An int64 tensor {@code [rows, columns]}. */
    static Tensor of(int[][] values) {
        long[] flat = Arrays.stream(values)
                .flatMapToInt(Arrays::stream)
                .asLongStream()
                .toArray();
        return torch.from_blob(
                new LongPointer(flat),
                new long[] {values.length, flat.length / values.length},
                new TensorOptions(torch.ScalarType.Long));
    }

    /** An int64 tensor {@code [n]}. */
    static Tensor of(int[] values) {
        return of(new int[][] {values}).squeeze(0);
    }

    /** An fp32 tensor that reads its elements where they are; {@code bytes} must outlive it and is never written. */
    static Tensor view(MemorySegment bytes, long[] shape) {
        return torch.from_blob(new Address(bytes), shape);
    }

    /** The elements of a tensor on any device, of any precision. */
    static FloatArray toArray(Tensor tensor) {
        Tensor fp32 = tensor.to(new Device("cpu"), torch.ScalarType.Float).contiguous();
        float[] values = memory(fp32).toArray(ValueLayout.JAVA_FLOAT);
        int[] shape = new int[(int) tensor.dim()];
        Arrays.setAll(shape, axis -> (int) tensor.size(axis));
        return FloatArray.of(values, shape);
    }

    /** The elements of a contiguous tensor in place. Valid as long as the tensor. */
    @SuppressWarnings("restricted") // the address and the length both come from the tensor
    static MemorySegment memory(Tensor tensor) {
        return MemorySegment.ofAddress(tensor.data_ptr().address()).reinterpret(tensor.nbytes());
    }

    /** A contiguous tensor of bytes, fp32 or fp64 as checkpoints know it. Reads live memory. */
    static dev.atelier.checkpoint.Tensor stored(Tensor tensor) {
        long[] sizes = LongStream.range(0, tensor.dim()).map(tensor::size).toArray();
        DType type = switch ((int) tensor.element_size()) {
            case Byte.BYTES -> DType.U8;
            case Double.BYTES -> DType.F64;
            default -> DType.F32;
        };
        return dev.atelier.checkpoint.Tensor.of(type, Shape.of(sizes), memory(tensor));
    }

    private static final class Address extends Pointer {
        @SuppressWarnings("this-escape")
        Address(MemorySegment memory) {
            super((Pointer) null);
            address = memory.address();
        }
    }
}
