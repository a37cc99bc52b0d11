package dev.atelier.checkpoint;

/** The elements of {@code source} in another floating type. */
final class CastTensor extends ComputedTensor {
    private final Tensor source;

    CastTensor(Tensor source, DType target) {
        super(target, source.shape());
        this.source = source;
    }

    @Override
    protected void compute(long first, float[] target, int count) {
        source.read(first, target, count);
    }

    @Override
    protected void compute(long first, double[] target, int count) {
        source.read(first, target, count);
    }
}
