package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.FamiliesContract;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.StableDiffusion;

class OnnxFamiliesTest extends FamiliesContract {
    @Override
    protected DiffusionModel load(StableDiffusion model) {
        return OnnxModel.load(model, Progress.NONE);
    }
}
