package dev.atelier.engine.torch;

import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** See {@link OptimizerSettings.Lion}. */
final class Lion implements Optimizer {
    private final OptimizerSettings.Lion settings;
    private final Parameters parameters;
    private final Tensor mean;

    Lion(OptimizerSettings.Lion settings, Parameters parameters) {
        this.settings = settings;
        this.parameters = parameters;
        this.mean = torch.zeros_like(parameters.values());
    }

    @Override
    public void step(double rate, int step) {
        parameters.forEachBlock((from, length, factor) -> {
            Tensor w = parameters.values().narrow(0, from, length);
            Tensor g = parameters.gradients().narrow(0, from, length);
            Tensor m = mean.narrow(0, from, length);
            w.mul_(new Scalar(1 - rate * factor * settings.weightDecay()));
            Tensor direction = m.mul(new Scalar(settings.beta1()))
                    .add_(g, new Scalar(1 - settings.beta1()))
                    .sign_();
            w.add_(direction, new Scalar(-rate * factor));
            m.mul_(new Scalar(settings.beta2())).add_(g, new Scalar(1 - settings.beta2()));
        });
    }

    @Override
    public Map<String, Tensor> vectors() {
        return Map.of("exp_avg", mean);
    }
}
