package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArchitectureTest {
    private static final String FIRST_CONVOLUTION = "model.diffusion_model.input_blocks.0.0.weight";

    @ParameterizedTest
    @CsvSource({
        "sd15, SD1",
        "sd21, SD2",
        "sdxl-base, SDXL",
        "sdxl-refiner, SDXL_REFINER",
        "vae, VAE_ONLY",
        "controlnet-sd15, CONTROLNET"
    })
    void publishedModelsAreRecognised(String model, Architecture architecture) {
        assertThat(Architecture.of(Fixtures.model(model))).isEqualTo(architecture);
    }

    @ParameterizedTest
    @CsvSource({
        "sd15, 4, SD1",
        "sd15, 9, SD1_INPAINTING",
        "sd15, 8, SD1_PIX2PIX",
        "sd15, 5, UNET_ONLY",
        "sd21, 9, SD2",
        "sd21, 5, SD2"
    })
    void inputChannelsTellTheVariantsOfStableDiffusion1Apart(String model, int channels, Architecture architecture) {
        Checkpoint variant = with(Fixtures.model(model), FIRST_CONVOLUTION, Fixtures.outline(320, channels, 3, 3));

        assertThat(Architecture.of(variant)).isEqualTo(architecture);
    }

    private static Checkpoint with(Checkpoint model, String name, Tensor tensor) {
        Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
        tensors.put(name, tensor);
        return Checkpoint.of(model.sources(), tensors, model.metadata());
    }

    private static Checkpoint of(String name, long... shape) {
        return Checkpoint.of(List.of(), Map.of(name, Fixtures.outline(shape)), Map.of());
    }

    @Test
    void anEmaCopyChangesNothing() {
        assertThat(Architecture.of(with(Fixtures.model("sd15"), "model_ema.decay", Fixtures.outline())))
                .isEqualTo(Architecture.SD1);
    }

    @Test
    void aUNetWithoutATextEncoderIsNotAWholeModel() {
        for (String model : new String[] {"sd15", "sd21", "sdxl-base"}) {
            Checkpoint unet = Fixtures.model(model).filter(name -> name.startsWith("model.diffusion_model."));

            assertThat(Architecture.of(unet)).as(model).isEqualTo(Architecture.UNET_ONLY);
        }
    }

    @Test
    void theVaeOfAWholeModelIsAVae() {
        Checkpoint vae = Fixtures.model("sd15").filter(name -> name.startsWith("first_stage_model."));

        assertThat(Architecture.of(vae)).isEqualTo(Architecture.VAE_ONLY);
    }

    @ParameterizedTest
    @CsvSource({
        "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight, LORA",
        "unet.down_blocks.0.attentions.0.proj_in.lora_A.weight, LORA",
        "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.lora.down.weight, LORA",
        "text_encoder.text_model.encoder.layers.0.self_attn.to_k_lora.up.weight, LORA",
        "lora_unet_mid_block_attentions_0_proj_in.hada_w1_a, LORA",
        "lora_unet_mid_block_attentions_0_proj_in.lokr_w1, LORA",
        "emb_params, EMBEDDING",
        "control_model.input_blocks.0.0.weight, CONTROLNET",
        "input_hint_block.0.weight, CONTROLNET",
        "body.0.block1.weight, T2I_ADAPTER",
        "body.0.body.0.block1.weight, T2I_ADAPTER",
        "controlnet_cond_embedding.conv_in.weight, CONTROLNET",
        "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight, SD3_OR_FLUX",
        "double_blocks.0.img_attn.qkv.weight, SD3_OR_FLUX",
        "decoder.conv_in.weight, VAE_ONLY",
        "something.else, UNKNOWN",
        "conditioner.embedders.0.model.ln_final.weight, UNKNOWN",
        "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight, UNKNOWN",
    })
    void oneKeyCanTellWhatAFileIs(String key, Architecture architecture) {
        assertThat(Architecture.of(of(key, 7))).isEqualTo(architecture);
    }

    @Test
    void anEmbeddingForTwoTextEncodersIsRecognised() {
        assertThat(Architecture.of(of("clip_l", 2, 768))).isEqualTo(Architecture.EMBEDDING);
        assertThat(Architecture.of(of("clip_l", 2, 700))).isEqualTo(Architecture.UNKNOWN);
        assertThat(Architecture.of(with(of("clip_l", 2, 768), "clip_g", Fixtures.outline(2, 1280))))
                .isEqualTo(Architecture.EMBEDDING);
    }

    @Test
    void anEmptyFileIsUnknown() {
        assertThat(Architecture.of(Checkpoint.of(List.of(), Map.of(), Map.of())))
                .isEqualTo(Architecture.UNKNOWN);
    }

    @Test
    void shapesAreNeverReadBeyondTheirAxes() {
        assertThat(Architecture.of(of(FIRST_CONVOLUTION))).isEqualTo(Architecture.UNKNOWN);
    }
}
