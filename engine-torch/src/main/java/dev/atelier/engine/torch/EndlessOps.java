package dev.atelier.engine.torch;

import static org.bytedeco.pytorch.global.torch.cat;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/** Convolutions see beyond an edge what lies at the opposite one. */
final class EndlessOps extends TorchOps {
    EndlessOps(TorchSettings settings) {
        super(settings);
    }

    @Override
    public Tensor conv2d(Tensor image, Tensor weight, Tensor bias, int stride, int padding) {
        return super.conv2d(
                padding == 0 ? image : wrapped(wrapped(image, 2, padding), 3, padding), weight, bias, stride, 0);
    }

    private static Tensor wrapped(Tensor image, int axis, int pixels) {
        long size = image.size(axis);
        return cat(
                new TensorVector(image.narrow(axis, size - pixels, pixels), image, image.narrow(axis, 0, pixels)),
                axis);
    }
}
