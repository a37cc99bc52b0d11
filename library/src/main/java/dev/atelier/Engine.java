package dev.atelier;

import dev.atelier.checkpoint.Progress;
import dev.atelier.model.EngineModel;
import dev.atelier.model.StableDiffusion;

/** What runs the networks. Both give the same pictures but for rounding. */
public enum Engine {
    /** ONNX Runtime, the faster of the two on a processor. */
    ONNX,

    /** libtorch, which also runs on graphics cards; see {@link ModelOptions#torch}. */
    TORCH;

    /** Loads the weights; {@code progress} counts bytes of the checkpoint. */
    EngineModel<?> load(StableDiffusion model, Progress progress) {
        return ModelOptions.DEFAULT.engine(this).load(model, progress);
    }
}
