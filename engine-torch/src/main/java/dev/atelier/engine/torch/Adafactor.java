package dev.atelier.engine.torch;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** See {@link OptimizerSettings.Adafactor}. */
final class Adafactor implements Optimizer {
    private static final String ROWS = "exp_avg_sq_row.";
    private static final String COLUMNS = "exp_avg_sq_col.";
    private static final String SQUARES = "exp_avg_sq.";

    private final OptimizerSettings.Adafactor settings;
    private final Parameters parameters;
    private final Map<String, Tensor> squares = new LinkedHashMap<>();
    private final Map<String, Tensor> vectors;

    Adafactor(OptimizerSettings.Adafactor settings, Parameters parameters) {
        this.settings = settings;
        this.parameters = parameters;
        this.vectors = settings.beta1() > 0 ? Map.of("exp_avg", torch.zeros_like(parameters.values())) : Map.of();
        parameters.forEach((name, shape) -> {
            long[] sizes = shape.sizes();
            int rank = sizes.length;
            if (rank < 2) {
                squares.put(SQUARES + name, zeros(sizes));
            } else {
                LongStream outer = LongStream.of(sizes).limit(rank - 2);
                squares.put(
                        ROWS + name, zeros(LongStream.of(sizes).limit(rank - 1).toArray()));
                squares.put(
                        COLUMNS + name,
                        zeros(LongStream.concat(outer, LongStream.of(sizes[rank - 1]))
                                .toArray()));
            }
        });
    }

    private Tensor zeros(long[] sizes) {
        return torch.zeros(sizes, parameters.values().options());
    }

    @Override
    public void step(double rate, int step) {
        double decay = 1 - Math.pow(step, settings.decayRate());
        double base = settings.relativeStep()
                ? Math.min(settings.warmupInit() ? 1e-6 * step : 1e-2, 1 / Math.sqrt(step))
                : rate;
        parameters.forEach((name, _) -> {
            try (PointerScope _ = new PointerScope()) {
                step(name, base * parameters.factor(name), decay);
            }
        });
    }

    private void step(String name, double base, double decay) {
        Tensor w = parameters.view(parameters.values(), name);
        Tensor g = parameters.view(parameters.gradients(), name);
        double size = settings.scaleParameter() ? Math.max(settings.epsilonScale(), rootMeanSquare(w)) : 1;
        double rate = base * size;
        Tensor squared = g.square().add_(new Scalar(settings.epsilonSquare()));
        Tensor update;
        if (w.dim() < 2) {
            update = average(SQUARES + name, squared, decay).rsqrt();
        } else {
            Tensor rows = average(ROWS + name, squared.mean(-1), decay);
            Tensor columns = average(COLUMNS + name, squared.mean(-2), decay);
            Tensor share = rows.div(rows.mean(new long[] {-1}, true, null)).rsqrt_();
            update = share.unsqueeze(-1).mul(columns.unsqueeze(-2).rsqrt());
        }
        update.mul_(g);
        update.mul_(new Scalar(rate / Math.max(1, rootMeanSquare(update) / settings.clipThreshold())));
        Tensor averages = vectors.get("exp_avg");
        if (averages != null) {
            update = parameters
                    .view(averages, name)
                    .mul_(new Scalar(settings.beta1()))
                    .add_(update, new Scalar(1 - settings.beta1()));
        }
        w.add_(w, new Scalar(-settings.weightDecay() * rate)).sub_(update);
    }

    private Tensor average(String name, Tensor now, double decay) {
        Tensor average = squares.get(name);
        if (average == null) {
            throw new IllegalStateException("no state for " + name);
        }
        return average.mul_(new Scalar(decay)).add_(now, new Scalar(1 - decay));
    }

    private static double rootMeanSquare(Tensor x) {
        double norm = x.norm(new ScalarOptional(new Scalar(2.0)), torch.ScalarType.Double)
                .item_double();
        return norm / Math.sqrt((double) x.numel());
    }

    @Override
    public Map<String, Tensor> vectors() {
        return vectors;
    }

    @Override
    public Map<String, Tensor> others() {
        return squares;
    }
}
