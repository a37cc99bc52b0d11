package dev.atelier.checkpoint;

import org.jspecify.annotations.Nullable;

/** The elements of {@code source} in another floating type. */
final class CastTensor extends ComputedTensor {
    private final Tensor source;
    private final Narrowing.@Nullable Counter losses;

    CastTensor(Tensor source, DType target) {
        this(source, target, null);
    }

    /** @param losses hears of every block of elements before it is rounded */
    CastTensor(Tensor source, DType target, Narrowing.@Nullable Counter losses) {
        super(target, source.shape());
        this.source = source;
        this.losses = losses;
    }

    @Override
    protected void compute(long first, float[] target, int count) {
        source.read(first, target, count);
        if (losses != null) {
            losses.count(target, count);
        }
    }

    @Override
    protected void compute(long first, double[] target, int count) {
        source.read(first, target, count);
    }
}
