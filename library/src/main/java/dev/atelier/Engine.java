package dev.atelier;

import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.onnx.OnnxModel;
import dev.atelier.engine.torch.TorchModel;
import dev.atelier.model.EngineModel;
import dev.atelier.model.StableDiffusion;

/** What runs the networks. Both give the same pictures but for rounding. */
public enum Engine {
    /** ONNX Runtime, the faster of the two on a processor. */
    ONNX {
        @Override
        EngineModel<?> load(StableDiffusion model, Progress progress) {
            return OnnxModel.load(model, progress);
        }
    },

    /** libtorch. */
    TORCH {
        @Override
        EngineModel<?> load(StableDiffusion model, Progress progress) {
            return TorchModel.load(model, progress);
        }
    };

    /** Loads the weights; {@code progress} counts bytes of the checkpoint. */
    abstract EngineModel<?> load(StableDiffusion model, Progress progress);
}
