package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.DiffusionModelContract;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.StableDiffusion;

class OnnxModelTest extends DiffusionModelContract {
    @Override
    protected DiffusionModel load(StableDiffusion model) {
        return OnnxModel.load(model, Progress.NONE);
    }
}
