package dev.atelier.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is recognised as a model, and what is said of a file that is not quite one. */
class StableDiffusionTest {
    @TempDir
    static Path folder;

    private static Checkpoint demo;

    @BeforeAll
    static void open() {
        demo = Checkpoints.open(DemoModel.unpack(folder));
    }

    @Test
    void theConfigurationIsReadOffTheTensorsAndTheMetadata() {
        StableDiffusion model = StableDiffusion.of(demo);
        assertThat(model.family()).isEqualTo(Family.SD1);
        assertThat(model.prediction()).isEqualTo(PredictionType.EPSILON);
        assertThat(model.text())
                .containsExactly(new TextEncoderConfig(
                        "cond_stage_model.transformer.text_model.",
                        TextEncoderNames.TRANSFORMERS,
                        2,
                        4,
                        TextEncoderConfig.Output.LAST));
        assertThat(model.unet())
                .isEqualTo(new UNetConfig(
                        48, 3, 1, List.of(0, 1, 1), 1, false, new AttentionHeads.Count(4), 4, 24, 0, 4, List.of()));
        assertThat(model.vae()).isEqualTo(new VaeConfig(4, 2, 4, 0.18215));
        assertThat(model.vae().spatialFactor()).isEqualTo(8);
    }

    @Test
    void aTextEncoderWithoutTheTextModelLevelIsRecognised() {
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        demo.tensors().forEach((name, tensor) -> renamed.put(name.replace(".text_model.", "."), tensor));
        StableDiffusion model = StableDiffusion.of(Checkpoint.of(demo.sources(), renamed, demo.metadata()));
        assertThat(model.text().getFirst().layers()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model.diffusion_model.input_blocks.3.1.transformer_blocks.0.attn2.to_k.weight",
                "model.diffusion_model.input_blocks.3.0.skip_connection.weight",
                "model.diffusion_model.output_blocks.5.0.in_layers.0.bias",
                "model.diffusion_model.time_embed.2.weight",
                "cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc1.bias",
                "first_stage_model.decoder.mid.attn_1.k.weight",
                "first_stage_model.post_quant_conv.weight"
            })
    void aMissingTensorIsNamed(String name) {
        assertThatThrownBy(() -> StableDiffusion.of(demo.filter(tensor -> !tensor.equals(name))))
                .isInstanceOfSatisfying(InvalidCheckpointException.class, because(Reason.MISSING_TENSOR))
                .hasMessageContaining(demo.name().toString())
                .hasMessageContaining(name);
    }

    @Test
    void aMissingBlockIsNoticed() {
        Checkpoint cut = demo.filter(name -> !name.startsWith("model.diffusion_model.input_blocks.5."));
        assertThatThrownBy(() -> StableDiffusion.of(cut))
                .isInstanceOfSatisfying(InvalidCheckpointException.class, because(Reason.UNKNOWN_LAYOUT))
                .hasMessageContaining("5 input blocks");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model.diffusion_model.middle_block.1.proj_in.weight",
                "model.diffusion_model.middle_block.0.emb_layers.1.bias",
                "cond_stage_model.transformer.text_model.final_layer_norm.weight",
                "first_stage_model.decoder.conv_out.weight"
            })
    void aTensorOfAnotherShapeIsNamedWithBothShapes(String name) {
        Tensor other = demo.tensor("model.diffusion_model.time_embed.0.weight");
        Checkpoint changed = demo.map((tensor, value) -> tensor.equals(name) ? other : value);
        assertThatThrownBy(() -> StableDiffusion.of(changed))
                .isInstanceOfSatisfying(InvalidCheckpointException.class, because(Reason.SHAPE_MISMATCH))
                .hasMessageContaining(name)
                .hasMessageContaining("[192, 48]");
    }

    @Test
    void anUnsuitableNumberOfGroupsIsExplained() {
        assertThatThrownBy(() -> StableDiffusion.of(demo.withMetadata(Map.of("atelier.norm_num_groups", "3"))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("3 groups")
                .hasMessageContaining("atelier.norm_num_groups");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-4", "four", "99999999999"})
    void aSettingThatIsNoPositiveNumberIsRefused(String value) {
        assertThatThrownBy(() -> StableDiffusion.of(demo.withMetadata(Map.of("atelier.norm_num_groups", value))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining(value);
    }

    @Test
    void anotherKindOfFileIsCalledByItsName() {
        Checkpoint lora = Checkpoint.of(
                List.of(Path.of("style.safetensors")),
                Map.of(
                        "lora_unet_mid_block.lora_down.weight",
                        demo.tensors().firstEntry().getValue()),
                Map.of());
        assertThatThrownBy(() -> StableDiffusion.of(lora))
                .isInstanceOfSatisfying(InvalidCheckpointException.class, because(Reason.UNKNOWN_LAYOUT))
                .hasMessageStartingWith("style.safetensors: it is a file of another kind (LoRA)");
    }

    private static Consumer<InvalidCheckpointException> because(Reason reason) {
        return thrown -> assertThat(thrown.reason()).isEqualTo(reason);
    }
}
