package dev.atelier.merge;

import dev.atelier.checkpoint.Scratch;
import java.util.Arrays;

/**
 * The sum of tensors, each times its weight, divided by a number: in fp64, in the order of the tensors, rounded once. One
 * tensor after the other over a block of elements, in plain loops, which the JIT compiler vectorises.
 */
final class LinearCombination extends ExactTensor {
    private final Operands operands;
    private final double[] weights;
    private final double divisor;

    LinearCombination(Operands operands, double[] weights, double divisor) {
        super(operands.first().dtype(), operands.shape());
        this.operands = operands;
        this.weights = weights;
        this.divisor = divisor;
    }

    @Override
    protected void compute(long first, double[] target, int count) {
        Arrays.fill(target, 0, count, 0);
        try (Scratch scratch = Scratch.borrow()) {
            double[] values = scratch.doubles();
            for (int model = 0; model < weights.length; model++) {
                Operands.read(operands.tensors().get(model), first, scratch, count);
                double weight = weights[model];
                for (int i = 0; i < count; i++) {
                    target[i] += weight * values[i];
                }
            }
        }
        for (int i = 0; i < count; i++) {
            target[i] /= divisor;
        }
    }
}
