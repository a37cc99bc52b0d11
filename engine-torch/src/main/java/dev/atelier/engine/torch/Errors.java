package dev.atelier.engine.torch;

import dev.atelier.model.FloatArray;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** What {@link ElementLoss} says, on libtorch. */
final class Errors {
    private Errors() {}

    /** The loss of each element, of the same shape as {@code predicted} and {@code target}, {@code [n, 4, h, w]}. */
    static Tensor of(ElementLoss loss, Tensor predicted, Tensor target) {
        Tensor difference = predicted.sub(target);
        return switch (loss) {
            case ElementLoss.Squared _ -> difference.square();
            case ElementLoss.Absolute _ -> difference.abs();
            case ElementLoss.Huber huber -> {
                Tensor width = perSample(huber.widths());
                yield bent(difference, width).mul(width);
            }
            case ElementLoss.SmoothL1 smooth -> bent(difference, perSample(smooth.widths()));
        };
    }

    private static Tensor perSample(float[] widths) {
        return Tensors.of(FloatArray.of(widths, widths.length, 1, 1, 1));
    }

    private static Tensor bent(Tensor difference, Tensor width) {
        return difference.square().add(width.square()).sqrt().sub(width).mul(new Scalar(2.0));
    }
}
