package dev.atelier.merge.lora;

import dev.atelier.checkpoint.ComputedTensor;
import dev.atelier.checkpoint.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A weight with LoRAs added, one after the other, in fp64 and rounded once. Memory: two to four times 8 bytes per element of
 * the weight, for as long as it is being read.
 */
final class BakedTensor extends ComputedTensor {
    /**
     * A delta to add.
     *
     * @param first the first element of the part of the weight that it changes
     * @param count the elements of that part
     */
    record Step(Delta delta, double strength, int first, int count) {}

    private final Tensor weight;
    private final List<Step> steps;
    private double @Nullable [] values;
    private long unread;

    BakedTensor(Tensor weight, List<Step> steps) {
        super(weight.dtype(), weight.shape());
        this.weight = weight;
        this.steps = List.copyOf(steps);
    }

    @Override
    protected void compute(long first, float[] target, int count) {
        double[] baked = values(count);
        for (int i = 0; i < count; i++) {
            target[i] = (float) baked[(int) first + i];
        }
    }

    @Override
    protected void compute(long first, double[] target, int count) {
        System.arraycopy(values(count), (int) first, target, 0, count);
    }

    /** Computed by the first reader and dropped after the last. */
    private synchronized double[] values(int count) {
        double[] baked = values;
        if (baked == null) {
            baked = baked();
            values = baked;
            unread = baked.length;
        }
        unread -= count;
        if (unread <= 0) {
            values = null;
        }
        return baked;
    }

    private double[] baked() {
        double[] result = Delta.load(weight);
        for (Step step : steps) {
            double[] part = new double[step.count];
            System.arraycopy(result, step.first, part, 0, step.count);
            double[] delta = step.delta.of(part);
            for (int i = 0; i < step.count; i++) {
                result[step.first + i] += step.strength * delta[i];
            }
        }
        return result;
    }
}
