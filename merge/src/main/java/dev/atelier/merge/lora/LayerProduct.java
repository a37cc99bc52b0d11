package dev.atelier.merge.lora;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.stream.LongStream;
import org.ejml.data.DMatrixRMaj;

/**
 * What a LoRA adds to a layer, as a product of two factors.
 *
 * @param scale what the product is still to be multiplied by
 * @param input the input channels; for a convolution the axes of its kernel as well
 */
record LayerProduct(Factors factors, double scale, Shape input) {
    /** @throws IllegalArgumentException if the factors do not fit one another */
    static LayerProduct of(LoraModule module) {
        if (LycorisProduct.is(module)) {
            return LycorisProduct.of(module);
        }
        Map<String, Tensor> parts = module.parts();
        Tensor up = parts.get("lora_up");
        Tensor down = parts.get("lora_down");
        if (up == null || down == null || up.shape().rank() < 2 || down.shape().rank() < 2) {
            throw new IllegalArgumentException("a factor is missing or no matrix");
        }
        int rows = Math.toIntExact(up.shape().size(0));
        int rank = Math.toIntExact(down.shape().size(0));
        double scale = Delta.scale(parts, rank);
        Tensor mid = parts.get("lora_mid");
        if (mid != null) {
            return withCore(up, mid, down, scale);
        }
        if (up.shape().elements() != (long) rows * rank) {
            throw new IllegalArgumentException("lora_up is %s, lora_down %s".formatted(up.shape(), down.shape()));
        }
        int columns = Math.toIntExact(down.shape().elements() / rank);
        return new LayerProduct(
                new Factors(
                        DMatrixRMaj.wrap(rows, rank, Delta.load(up)),
                        DMatrixRMaj.wrap(rank, columns, Delta.load(down))),
                scale,
                behindFirst(down.shape()));
    }

    /** The core is multiplied into the lower factor. */
    private static LayerProduct withCore(Tensor up, Tensor mid, Tensor down, double scale) {
        int rows = Math.toIntExact(up.shape().size(0));
        int rank = Math.toIntExact(down.shape().size(0));
        int middle = Math.toIntExact(mid.shape().size(0));
        int channels = Math.toIntExact(down.shape().elements() / rank);
        int kernel = Math.toIntExact(mid.shape().elements() / middle / rank);
        if (up.shape().elements() != (long) rows * middle
                || mid.shape().rank() != 4
                || mid.shape().elements() != (long) middle * rank * kernel) {
            throw new IllegalArgumentException(
                    "lora_up is %s, lora_mid %s, lora_down %s".formatted(up.shape(), mid.shape(), down.shape()));
        }
        double[] below = Delta.tucker(Delta.load(mid), middle, rank, kernel, Delta.load(down), channels);
        return new LayerProduct(
                new Factors(
                        DMatrixRMaj.wrap(rows, middle, Delta.load(up)),
                        DMatrixRMaj.wrap(middle, channels * kernel, below)),
                scale,
                Shape.of(channels, mid.shape().size(2), mid.shape().size(3)));
    }

    /** Whether it belongs to a convolution that is larger than 1×1. */
    boolean isConvolution() {
        return input.elements() > input.size(0);
    }

    Tensor up(DType dtype) {
        DMatrixRMaj up = factors.up();
        return held(
                up.data,
                input.rank() > 1 ? Shape.of(up.numRows, up.numCols, 1, 1) : Shape.of(up.numRows, up.numCols),
                dtype);
    }

    Tensor down(DType dtype) {
        return held(
                factors.down().data,
                Shape.of(LongStream.concat(LongStream.of(factors.rank()), LongStream.of(input.sizes()))
                        .toArray()),
                dtype);
    }

    static Tensor scalar(double value, DType dtype) {
        return held(new double[] {value}, Shape.of(), dtype);
    }

    /** Numbers rounded to a type, in memory. */
    static Tensor held(double[] values, Shape shape, DType dtype) {
        Tensor exact = Tensor.of(
                DType.F64, shape, MemorySegment.ofArray(values).asSlice(0, DType.F64.bytes(shape.elements())));
        Tensor rounded = exact.to(dtype);
        MemorySegment bytes = MemorySegment.ofArray(new byte[Math.toIntExact(rounded.byteSize())]);
        rounded.read(0, bytes);
        return Tensor.of(dtype, shape, bytes);
    }

    private static Shape behindFirst(Shape shape) {
        return Shape.of(LongStream.of(shape.sizes()).skip(1).toArray());
    }
}
