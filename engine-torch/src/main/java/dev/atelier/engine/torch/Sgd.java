package dev.atelier.engine.torch;

import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** See {@link OptimizerSettings.Sgd}. */
final class Sgd implements Optimizer {
    private final OptimizerSettings.Sgd settings;
    private final Parameters parameters;
    private final Map<String, Tensor> vectors;

    Sgd(OptimizerSettings.Sgd settings, Parameters parameters) {
        this.settings = settings;
        this.parameters = parameters;
        this.vectors =
                settings.momentum() > 0 ? Map.of("momentum_buffer", torch.zeros_like(parameters.values())) : Map.of();
    }

    @Override
    public void step(double rate, int step) {
        Tensor buffer = vectors.get("momentum_buffer");
        parameters.forEachBlock((from, length, factor) -> {
            Tensor w = parameters.values().narrow(0, from, length);
            Tensor move = parameters.gradients().narrow(0, from, length);
            if (settings.weightDecay() > 0) {
                move = move.add(w, new Scalar(settings.weightDecay()));
            }
            if (buffer != null) {
                Tensor moves = buffer.narrow(0, from, length)
                        .mul_(new Scalar(settings.momentum()))
                        .add_(move);
                move = settings.nesterov() ? move.add(moves, new Scalar(settings.momentum())) : moves;
            }
            w.add_(move, new Scalar(-rate * factor));
        });
    }

    @Override
    public Map<String, Tensor> vectors() {
        return vectors;
    }
}
