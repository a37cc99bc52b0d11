package dev.atelier.engine.torch;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.engine.torch.TorchSettings.Precision;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetConditioning;
import dev.atelier.model.UNetShortcut;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TorchSettingsTest {
    @TempDir
    Path folder;

    private DiffusionModel load(TorchSettings settings) {
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        return TorchModel.load(model, settings, Progress.NONE);
    }

    /** bf16 has 8 bits of a number, fp16 has 11. */
    @ParameterizedTest
    @CsvSource({"BF16, 0.03", "FP16, 0.004", "TF32, 1e-4"})
    void narrowNumbersStayCloseToTheReference(Precision precision, double tolerance) {
        try (DiffusionModel model = load(new TorchSettings("cpu", precision))) {
            Reference text = Reference.open("text-encoder.safetensors", folder);
            FloatArray encoded = model.encodeText(text.tokens("input_ids")).context();
            assertThat(relativeError(encoded, text.array("last_hidden_state"))).isLessThan(tolerance);
            Reference unet = Reference.open("unet.safetensors", folder);
            FloatArray noise = model.predictNoise(
                    unet.array("latents"),
                    unet.array("timesteps").values(),
                    UNetConditioning.of(unet.array("context")));
            assertThat(relativeError(noise, unet.array("output"))).isLessThan(tolerance);
            Reference vae = Reference.open("vae-decoder.safetensors", folder);
            assertThat(relativeError(model.decode(vae.array("latents")), vae.array("image")))
                    .isLessThan(1e-4); // the VAE is not narrowed
        }
    }

    @Test
    void shortcutsWorkOnNarrowNumbers() {
        try (DiffusionModel model = load(new TorchSettings("cpu", Precision.BF16))) {
            Reference unet = Reference.open("unet.safetensors", folder);
            FloatArray latents = unet.array("latents");
            float[] timesteps = unet.array("timesteps").values();
            UNetConditioning context = UNetConditioning.of(unet.array("context"));
            FloatArray exact = model.predictNoise(latents, timesteps, context);
            FloatArray deep = model.predictNoise(latents, timesteps, context, new UNetShortcut(0, 2, null))
                    .deep();
            FloatArray again = model.predictNoise(latents, timesteps, context, new UNetShortcut(0, 2, deep))
                    .noise();
            assertThat(relativeError(again, exact)).isLessThan(0.01);
            FloatArray merged = model.predictNoise(latents, timesteps, context, new UNetShortcut(0.25, 0, null))
                    .noise();
            assertThat(relativeError(merged, exact)).isBetween(0.001, 0.5);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpu", "cuda:", "cuda:100", "CPU", ""})
    void whatIsNoDeviceIsRefused(String device) {
        assertThatThrownBy(() -> new TorchSettings(device, Precision.FP32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a device is cpu, cuda");
    }

    /** The highest number there may be: no machine that tests run on has so many cards. */
    @Test
    void aCardThatIsNotThereIsRefused() {
        assertThatThrownBy(() -> load(new TorchSettings("cuda:99", Precision.FP16)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("there is no device cuda:99");
    }
}
