package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.DiffusionModelContract;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.StableDiffusion;

class TorchModelTest extends DiffusionModelContract {
    @Override
    protected DiffusionModel load(StableDiffusion model) {
        return TorchModel.load(model, Progress.NONE);
    }
}
