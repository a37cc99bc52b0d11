package dev.atelier.engine.torch;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.VaeEncoder;
import java.nio.file.Path;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VaeEncoderTest {
    @Test
    void theVaeEncoderAgreesWithDiffusers(@TempDir Path folder) {
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        Reference reference = Reference.open("vae-encoder.safetensors", folder);
        try (TorchWeights weights = TorchWeights.load(
                        model.checkpoint(), name -> Component.of(name) == Component.VAE, Progress.NONE);
                PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            Tensor moments = new VaeEncoder<>(new TorchOps(), weights, model.vae())
                    .forward(Tensors.of(reference.array("image")));
            assertThat(relativeError(Tensors.toArray(moments), reference.array("moments")))
                    .isLessThan(1e-4);
        }
    }
}
