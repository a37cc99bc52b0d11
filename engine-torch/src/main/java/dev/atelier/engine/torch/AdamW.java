package dev.atelier.engine.torch;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019), step for step as {@code torch.optim.AdamW}. */
final class AdamW implements AutoCloseable {
    /** Elements updated at once: two temporaries of 4 MB instead of two as large as the model. */
    private static final long BLOCK = 1 << 20;

    private final double beta1;
    private final double beta2;
    private final double epsilon;
    private final double weightDecay;
    private final Tensor mean;
    private final Tensor variance;

    /** Must not be called within a pointer scope. */
    AdamW(long size, double beta1, double beta2, double epsilon, double weightDecay) {
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.epsilon = epsilon;
        this.weightDecay = weightDecay;
        this.mean = torch.zeros(size);
        this.variance = torch.zeros(size);
    }

    /** @param step counts from 1 */
    void step(Tensor values, Tensor gradients, double rate, int step) {
        double correction = Math.sqrt(1 - Math.pow(beta2, step));
        double stride = rate / (1 - Math.pow(beta1, step));
        long size = values.size(0);
        for (long from = 0; from < size; from += BLOCK) {
            long length = Math.min(BLOCK, size - from);
            try (PointerScope _ = new PointerScope()) {
                Tensor w = values.narrow(0, from, length);
                Tensor g = gradients.narrow(0, from, length);
                Tensor m = mean.narrow(0, from, length);
                Tensor v = variance.narrow(0, from, length);
                w.mul_(new Scalar(1 - rate * weightDecay));
                m.lerp_(g, new Scalar(1 - beta1));
                v.mul_(new Scalar(beta2)).addcmul_(g, g, new Scalar(1 - beta2));
                Tensor denominator = v.sqrt().div_(new Scalar(correction)).add_(new Scalar(epsilon));
                w.addcdiv_(m, denominator, new Scalar(-stride));
            }
        }
    }

    /** The moving average of the gradients ({@code exp_avg}). */
    Tensor mean() {
        return mean;
    }

    /** The moving average of their squares ({@code exp_avg_sq}). */
    Tensor variance() {
        return variance;
    }

    @Override
    public void close() {
        mean.close();
        variance.close();
    }
}
