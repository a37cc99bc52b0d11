package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.FamiliesContract;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.StableDiffusion;

class TorchFamiliesTest extends FamiliesContract {
    @Override
    protected DiffusionModel load(StableDiffusion model) {
        return TorchModel.load(model, Progress.NONE);
    }
}
