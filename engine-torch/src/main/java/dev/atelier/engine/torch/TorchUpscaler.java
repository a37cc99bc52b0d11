package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Progress;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Network;
import dev.atelier.model.UpscalerModel;
import dev.atelier.model.UpscalerNet;
import dev.atelier.model.UpscalingNetwork;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;

/** An upscaling network on libtorch, in fp32. */
public final class TorchUpscaler implements UpscalingNetwork {
    private final UpscalerModel model;
    private final TorchOps ops;
    private final TorchWeights weights;

    private TorchUpscaler(UpscalerModel model, TorchOps ops, TorchWeights weights) {
        this.model = model;
        this.ops = ops;
        this.weights = weights;
    }

    /**
     * Loads the weights onto a device.
     *
     * @throws IllegalArgumentException if the device cannot be used; the message says what it takes
     */
    public static TorchUpscaler load(UpscalerModel model, TorchSettings settings) {
        settings.prepare();
        TorchWeights weights = TorchWeights.load(
                model.checkpoint(),
                model.weights()::contains,
                fp32 -> settings.weight(fp32, Network.VAE_DECODER), // the precision of what makes pixels
                Progress.NONE);
        return new TorchUpscaler(model, new TorchOps(settings), weights);
    }

    @Override
    public int scale() {
        return model.scale();
    }

    @Override
    public FloatArray enlarge(FloatArray pictures) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            return Tensors.toArray(new UpscalerNet<>(ops, weights, model).forward(ops.constant(pictures)));
        }
    }

    @Override
    public void close() {
        weights.close();
    }
}
