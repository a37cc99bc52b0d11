package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.clamp;
import static dev.atelier.merge.Interpolation.lerp;

import dev.atelier.checkpoint.Tensor;

/** SuperMerger's extract: what two fine-tunes of one base share, or what they do not. Inputs: base, A, B. */
final class Extract {
    static final Parameter<Double> DIFFERENT =
            Parameter.between("beta", 0, 0, 1, "0 keeps what A and B share, 1 what they do not");
    static final Parameter<Double> GAMMA =
            Parameter.between("gamma", 1, 0, Double.POSITIVE_INFINITY, "how sharply the two are told apart");

    private Extract() {}

    static Tensor of(Operands in, double alpha, double beta, double gamma) {
        if (in.shape().rank() == 0) {
            return in.first(); // has no last axis
        }
        long row = Math.max(1, in.lastAxis());
        return in.after(() -> Rows.cosines(in, row), cosines -> (x, index) -> {
            double s = Math.pow((clamp(cosines[(int) (index / row)], -1, 1) + 1) / 2, gamma);
            return x[0] + lerp(x[1] - x[0], x[2] - x[0], alpha) * lerp(s, 1 - s, beta);
        });
    }
}
