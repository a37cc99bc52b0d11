package dev.atelier.engine.torch;

import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** See {@link OptimizerSettings.AdamW}. */
final class AdamW implements Optimizer {
    private final OptimizerSettings.AdamW settings;
    private final Parameters parameters;
    private final Tensor mean;
    private final Tensor variance;

    AdamW(OptimizerSettings.AdamW settings, Parameters parameters) {
        this.settings = settings;
        this.parameters = parameters;
        this.mean = torch.zeros_like(parameters.values());
        this.variance = torch.zeros_like(parameters.values());
    }

    @Override
    public void step(double rate, int step) {
        double correction = Math.sqrt(1 - Math.pow(settings.beta2(), step));
        parameters.forEachBlock((from, length, factor) -> {
            double stride = rate * factor / (1 - Math.pow(settings.beta1(), step));
            Tensor w = parameters.values().narrow(0, from, length);
            Tensor g = parameters.gradients().narrow(0, from, length);
            Tensor m = mean.narrow(0, from, length);
            Tensor v = variance.narrow(0, from, length);
            w.mul_(new Scalar(1 - rate * factor * settings.weightDecay()));
            m.lerp_(g, new Scalar(1 - settings.beta1()));
            v.mul_(new Scalar(settings.beta2())).addcmul_(g, g, new Scalar(1 - settings.beta2()));
            Tensor denominator = v.sqrt().div_(new Scalar(correction)).add_(new Scalar(settings.epsilon()));
            w.addcdiv_(m, denominator, new Scalar(-stride));
        });
    }

    @Override
    public Map<String, Tensor> vectors() {
        return Map.of("exp_avg", mean, "exp_avg_sq", variance);
    }
}
