package dev.atelier.merge;

import dev.atelier.checkpoint.ComputedTensor;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;

/**
 * The first input channels of a convolution {@code [out, in, kh, kw]}. Inpainting and instruct-pix2pix models have more
 * input channels than the models they are merged with; only the four they share are merged. The tensor concerned is the
 * UNet's first convolution, a few thousandths of a percent of the model, so elements are read one by one.
 */
final class InputChannels {
    private InputChannels() {}

    /** {@code weight[:, :channels]} */
    static Tensor first(Tensor weight, long channels) {
        long[] sizes = weight.shape().sizes();
        long wholeRow = rowLength(weight.shape());
        sizes[1] = channels;
        Shape shape = Shape.of(sizes);
        long row = rowLength(shape);
        return new PerElement(weight.dtype(), shape) {
            @Override
            double element(long index) {
                return one(weight, index / row * wholeRow + index % row);
            }
        };
    }

    /** {@code weight} after {@code weight[:, :n] = replacement}, where n is the replacement's channel count. */
    static Tensor replaceFirst(Tensor weight, Tensor replacement) {
        long wholeRow = rowLength(weight.shape());
        long replacedRow = rowLength(replacement.shape());
        return new PerElement(weight.dtype(), weight.shape()) {
            @Override
            double element(long index) {
                long row = index / wholeRow;
                long column = index % wholeRow;
                return column < replacedRow ? one(replacement, row * replacedRow + column) : one(weight, index);
            }
        };
    }

    /** Elements between one output channel and the next. */
    private static long rowLength(Shape shape) {
        return shape.elements() / Math.max(1, shape.size(0));
    }

    private static double one(Tensor tensor, long index) {
        double[] element = new double[1];
        tensor.read(index, element, 1);
        return element[0];
    }

    private abstract static class PerElement extends ComputedTensor {
        PerElement(DType dtype, Shape shape) {
            super(dtype, shape);
        }

        abstract double element(long index);

        @Override
        protected void compute(long first, float[] target, int count) {
            try (Scratch scratch = Scratch.borrow()) {
                double[] exact = scratch.doubles();
                compute(first, exact, count);
                for (int i = 0; i < count; i++) {
                    target[i] = (float) exact[i];
                }
            }
        }

        @Override
        protected void compute(long first, double[] target, int count) {
            for (int i = 0; i < count; i++) {
                target[i] = element(first + i);
            }
        }
    }
}
