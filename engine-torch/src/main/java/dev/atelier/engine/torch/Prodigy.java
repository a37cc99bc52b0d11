package dev.atelier.engine.torch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** See {@link OptimizerSettings.Prodigy}. */
final class Prodigy implements Optimizer {
    // where in the estimate each number stands, by prodigyopt's names
    private static final int D = 0;
    private static final int D_MAX = 1;
    private static final int D_NUMERATOR = 2;
    private static final int K = 3;

    private final OptimizerSettings.Prodigy settings;
    private final Parameters parameters;
    private final Tensor start; // the weights before the first step: p0
    private final Tensor mean;
    private final Tensor variance;
    private final Tensor sum; // of the gradients, weighted: s
    private final Tensor estimate;
    private final MemorySegment numbers; // in the estimate

    Prodigy(OptimizerSettings.Prodigy settings, Parameters parameters) {
        if (!parameters.isUniform()) {
            throw new IllegalArgumentException(
                    "Prodigy finds one learning rate for all weights: give them all the same");
        }
        this.settings = settings;
        this.parameters = parameters;
        this.start = parameters.values().clone();
        this.mean = torch.zeros_like(start);
        this.variance = torch.zeros_like(start);
        this.sum = torch.zeros_like(start);
        this.estimate = torch.zeros(new long[] {4}, new TensorOptions(torch.ScalarType.Double));
        this.numbers = Tensors.memory(estimate);
        set(D, settings.initial());
        set(D_MAX, settings.initial());
    }

    private double get(int index) {
        return numbers.getAtIndex(ValueLayout.JAVA_DOUBLE, index);
    }

    private void set(int index, double value) {
        numbers.setAtIndex(ValueLayout.JAVA_DOUBLE, index, value);
    }

    @Override
    public void step(double rate, int step) {
        double d = get(D);
        double moves = get(K) + 1;
        double stride = d * rate;
        if (settings.biasCorrection()) {
            stride *= Math.sqrt(1 - Math.pow(settings.beta2(), moves)) / (1 - Math.pow(settings.beta1(), moves));
        }
        if (rate <= 0 || !observe(d, stride)) {
            return;
        }
        move(stride, get(D));
        set(K, moves);
    }

    /** Takes the gradients into the averages and the estimate; false if there are none. */
    private boolean observe(double d, double stride) {
        double weight = d / settings.initial();
        double[] sums = {0, 0};
        parameters.forEachBlock((from, length, _) -> {
            Tensor w = parameters.values().narrow(0, from, length);
            Tensor g = parameters.gradients().narrow(0, from, length);
            if (settings.weightDecay() > 0 && !settings.decoupled()) {
                g.add_(w, new Scalar(settings.weightDecay()));
            }
            sums[0] += total(start.narrow(0, from, length).sub(w).mul_(g));
            mean.narrow(0, from, length)
                    .mul_(new Scalar(settings.beta1()))
                    .add_(g, new Scalar(d * (1 - settings.beta1())));
            variance.narrow(0, from, length)
                    .mul_(new Scalar(settings.beta2()))
                    .addcmul_(g, g, new Scalar(d * d * (1 - settings.beta2())));
            Tensor s = sum.narrow(0, from, length);
            s.mul_(new Scalar(settings.beta3()))
                    .add_(g, new Scalar(weight * (settings.safeguardWarmup() ? d : stride)));
            sums[1] += total(s.abs());
        });
        if (sums[1] == 0) {
            return false;
        }
        double numerator = settings.beta3() * get(D_NUMERATOR) + weight * stride * sums[0];
        double found = settings.coefficient() * numerator / sums[1];
        double base = d == settings.initial() ? Math.max(d, found) : d;
        double most = Math.max(get(D_MAX), found);
        set(D, Math.min(most, base * settings.growthRate()));
        set(D_MAX, most);
        set(D_NUMERATOR, numerator);
        return true;
    }

    private static double total(Tensor x) {
        return x.sum(new ScalarTypeOptional(torch.ScalarType.Double)).item_double();
    }

    private void move(double stride, double d) {
        parameters.forEachBlock((from, length, _) -> {
            Tensor w = parameters.values().narrow(0, from, length);
            if (settings.decoupled()) {
                w.add_(w, new Scalar(-settings.weightDecay() * stride));
            }
            Tensor denominator = variance.narrow(0, from, length).sqrt().add_(new Scalar(d * settings.epsilon()));
            w.addcdiv_(mean.narrow(0, from, length), denominator, new Scalar(-stride));
        });
    }

    @Override
    public Map<String, Tensor> vectors() {
        return Map.of("p0", start, "exp_avg", mean, "exp_avg_sq", variance, "s", sum);
    }

    @Override
    public Map<String, Tensor> others() {
        return Map.of("estimate", estimate);
    }
}
