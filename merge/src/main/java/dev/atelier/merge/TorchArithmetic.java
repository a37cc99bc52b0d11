package dev.atelier.merge;

import dev.atelier.checkpoint.ComputedTensor;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.Arrays;

/**
 * Elementwise arithmetic on lazy tensors with the types and the roundings of PyTorch on a CPU, so that a formula written
 * with it gives the bits that the same formula gives there: each operation computes in fp32 (fp64 for fp64 tensors) and
 * rounds to its result type at once. Scalars are applied at the precision of the computation, not of the tensor.
 */
final class TorchArithmetic {
    private TorchArithmetic() {}

    static Tensor times(Tensor a, double scalar) {
        return new Product(a, scalar);
    }

    static Tensor plus(Tensor a, Tensor b) {
        return new Sum(a, b, 1);
    }

    /** p·a + q·b. */
    static Tensor weightedSum(Tensor a, double p, Tensor b, double q) {
        Tensor sum = plus(times(a, p), times(b, q));
        return a.dtype() == DType.F16 && b.dtype() == DType.F16 ? new HalfSum(a, (float) p, b, (float) q, sum) : sum;
    }

    static Tensor minus(Tensor a, Tensor b) {
        return new Sum(a, b, -1);
    }

    /** The type of {@code a ∘ b}: the wider floating type; fp32 for fp16 with bf16, and where only integers meet. */
    static DType promote(DType a, DType b) {
        if (a.isFloating() && b.isFloating()) {
            return a == b ? a : a == DType.F64 || b == DType.F64 ? DType.F64 : DType.F32;
        }
        return a.isFloating() ? a : b.isFloating() ? b : DType.F32;
    }

    /** A tensor of zeros. */
    static Tensor zeros(DType dtype, Shape shape) {
        return new ComputedTensor(promote(dtype, dtype), shape) {
            @Override
            protected void compute(long first, float[] target, int count) {
                Arrays.fill(target, 0, count, 0);
            }

            @Override
            protected void compute(long first, double[] target, int count) {
                Arrays.fill(target, 0, count, 0);
            }
        };
    }

    private static final class Product extends ComputedTensor {
        private final Tensor a;
        private final double scalar;

        Product(Tensor a, double scalar) {
            super(promote(a.dtype(), a.dtype()), a.shape());
            this.a = a;
            this.scalar = scalar;
        }

        @Override
        protected void compute(long first, float[] target, int count) {
            float factor = (float) scalar;
            a.read(first, target, count);
            for (int i = 0; i < count; i++) {
                target[i] *= factor;
            }
        }

        @Override
        protected void compute(long first, double[] target, int count) {
            a.read(first, target, count);
            for (int i = 0; i < count; i++) {
                target[i] *= scalar;
            }
        }
    }

    /** a + sign·b, where multiplying by the sign (±1) rounds nothing. */
    private static final class Sum extends ComputedTensor {
        private final Tensor a;
        private final Tensor b;
        private final float sign;

        Sum(Tensor a, Tensor b, float sign) {
            super(promote(a.dtype(), b.dtype()), a.shape());
            this.a = a;
            this.b = b;
            this.sign = sign;
        }

        @Override
        protected void compute(long first, float[] target, int count) {
            try (Scratch scratch = Scratch.borrow()) {
                float[] other = scratch.floats();
                a.read(first, target, count);
                b.read(first, other, count);
                for (int i = 0; i < count; i++) {
                    target[i] += sign * other[i];
                }
            }
        }

        @Override
        protected void compute(long first, double[] target, int count) {
            try (Scratch scratch = Scratch.borrow()) {
                double[] other = scratch.doubles();
                a.read(first, target, count);
                b.read(first, other, count);
                for (int i = 0; i < count; i++) {
                    target[i] += sign * other[i];
                }
            }
        }
    }
}
