package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecognitionTest {
    private static final String FIRST = "model.diffusion_model.input_blocks.0.0.weight";

    private static Checkpoint with(Checkpoint model, Map<String, Tensor> more) {
        Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
        tensors.putAll(more);
        return Checkpoint.of(model.sources(), tensors, model.metadata());
    }

    private static Checkpoint of(Map<String, Tensor> tensors) {
        return Checkpoint.of(List.of(), tensors, Map.of());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "sd15 | 4 | Stable Diffusion 1.x | epsilon, as its family's models do",
                "sd15 | 9 | Stable Diffusion 1.x inpainting | epsilon, as its family's models do",
                "sd15 | 8 | Stable Diffusion 1.x instruct-pix2pix | epsilon, as its family's models do",
                "sd21 | 4 | Stable Diffusion 2.x | not in the file",
                "sd21 | 9 | Stable Diffusion 2.x, inpainting | epsilon, as its family's models do",
                "sd21 | 5 | Stable Diffusion 2.x, depth | epsilon, as its family's models do",
                "sdxl-base | 4 | Stable Diffusion XL | epsilon, as its family's models do",
                "sdxl-base | 9 | Stable Diffusion XL, inpainting | epsilon, as its family's models do",
                "sdxl-refiner | 4 | Stable Diffusion XL refiner | epsilon, as its family's models do",
            })
    void everyPublishedModelHasItsName(String keys, int channels, String label, String prediction) {
        Checkpoint model = Fixtures.model(keys);
        long width = model.tensor(FIRST).shape().size(0);
        Recognition recognition =
                Recognition.of(with(sound(model), Map.of(FIRST, Fixtures.outline(width, channels, 3, 3))));
        assertThat(recognition.label()).isEqualTo(label);
        assertThat(recognition.prediction()).isEqualTo(prediction);
        assertThat(recognition.weights()).isEqualTo("one set");
    }

    /** The outline with position ids that can be read. */
    private static Checkpoint sound(Checkpoint model) {
        return model.filter(name -> !name.endsWith("position_ids"));
    }

    @Test
    void whatThePredictionIsMayBeMarked() {
        Checkpoint xl = sound(Fixtures.model("sdxl-base"));
        Recognition marked = Recognition.of(with(xl, Map.of("v_pred", Bits.floats(), "ztsnr", Bits.floats())));
        assertThat(marked.prediction()).isEqualTo("v, as its marker v_pred says");
        assertThat(marked.notes()).anyMatch(note -> note.contains("zero terminal SNR"));
        Recognition stated =
                Recognition.of(sound(Fixtures.model("sd21")).withMetadata(Map.of("modelspec.prediction_type", "v")));
        assertThat(stated.prediction()).isEqualTo("v, as its metadata says");
        assertThat(Recognition.of(sound(Fixtures.model("sd21"))).notes())
                .anyMatch(note -> note.startsWith("nothing in it says whether"));
    }

    @Test
    void setsOfWeightsAreToldApart() {
        Checkpoint model = sound(Fixtures.model("sd15"));
        Map<String, Tensor> counters =
                Map.of("model_ema.decay", Bits.floats(1), "model_ema.num_updates", Bits.floats(1));
        assertThat(Recognition.of(with(model, counters)).weights())
                .isEqualTo("averaged (EMA) only, in place of the trained ones");
        Map<String, Tensor> copies = new LinkedHashMap<>(counters);
        copies.put("model_ema.diffusion_modelout2bias", Bits.floats(1));
        assertThat(Recognition.of(with(model, copies)).weights()).isEqualTo("trained and averaged (EMA)");
    }

    @Test
    void defectsAreNoted() {
        Checkpoint model = sound(Fixtures.model("sd15"));
        assertThat(Recognition.of(with(model, Map.of("x.position_ids", Bits.floats(0, 0.9f))))
                        .notes())
                .anyMatch(note -> note.contains("position_ids are damaged"));
        assertThat(Recognition.of(with(model, Map.of("loss.logvar", Bits.floats(0))))
                        .notes())
                .anyMatch(note -> note.startsWith("1 tensors are leftovers of training"));
        assertThat(Recognition.of(with(
                                model,
                                Map.of(
                                        "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight",
                                        Bits.floats(1))))
                        .notes())
                .anyMatch(note -> note.contains("more text encoders"));
    }

    @Test
    void upscalingNetworksAreNoneOfStableDiffusion() {
        assertThat(Recognition.of(of(Map.of("conv_first.weight", Bits.floats(1), "b", Bits.floats(1))))
                        .label())
                .isEqualTo("upscaling network");
    }

    @Test
    void kindsOfLoraWithoutFactorsHaveNames() {
        Map<String, String> kinds = Map.of(
                ".on_input", "(IA)³",
                ".oft_diag", "OFT",
                ".a2.weight", "GLoRA",
                ".diff", "differences",
                ".w_norm", "norms");
        kinds.forEach((ending, kind) -> assertThat(Recognition.of(
                                of(Map.of("lora_unet_mid_block_attentions_0_proj_in" + ending, Fixtures.outline(1))))
                        .label())
                .startsWith("LoRA, " + kind));
        assertThat(Recognition.of(of(Map.of("oft_unet_x.oft_blocks", Fixtures.outline(4, 8, 8))))
                        .label())
                .startsWith("LoRA, OFT");
        assertThat(Recognition.of(of(Map.of("lora_unet_x.oft_blocks", Fixtures.outline(3, 4, 8, 8))))
                        .label())
                .startsWith("LoRA, BOFT");
    }

    @Test
    void theKindOfALoraIsTold() {
        String layer = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k";
        Map<String, Tensor> lora = Map.of(
                layer + ".lora_down.weight", Fixtures.outline(16, 768),
                layer + ".lora_up.weight", Fixtures.outline(320, 16),
                layer + ".alpha", Fixtures.outline());
        assertThat(Recognition.of(of(lora)).label()).isEqualTo("LoRA, LoRA of rank 16 for Stable Diffusion 1.x");
        assertThat(Recognition.of(with(of(lora), Map.of("a.lora_down.weight", Fixtures.outline(8, 4, 3, 3))))
                        .variant())
                .isEqualTo("LoCon of rank 8, 16 for Stable Diffusion 1.x");
        assertThat(Recognition.of(with(of(lora), Map.of(layer + ".dora_scale", Fixtures.outline(320, 1))))
                        .variant())
                .startsWith("LoRA + DoRA");
        assertThat(Recognition.of(of(Map.of("x.hada_w1_b", Fixtures.outline(4, 9))))
                        .variant())
                .isEqualTo("LoHa of rank 4 for a model that its names do not tell");
        assertThat(Recognition.of(of(Map.of("x.lokr_w1", Fixtures.outline(4, 9)))
                                .withMetadata(Map.of("ss_base_model_version", "sdxl_base_v1-0")))
                        .variant())
                .isEqualTo("LoKr for sdxl_base_v1-0");
    }

    @ParameterizedTest
    @CsvSource({"a1111, 2 × 768", "parameter-dict, 2 × 768", "diffusers, 1 × 768", "bare, 2 × 768"})
    void embeddingsOfEveryKindAreRead(String kind, String vectors) {
        Checkpoint read = Checkpoints.open(Fixtures.path("embedding-" + kind + ".ckpt"));
        Bits.assertSame(
                read.tensors(),
                Checkpoints.open(Fixtures.path("embedding-" + kind + ".safetensors"))
                        .tensors());
        assertThat(Recognition.of(read).label())
                .isEqualTo("textual-inversion embedding, " + vectors + ", for Stable Diffusion 1.x");
        if (kind.equals("a1111")) {
            assertThat(read.metadata())
                    .containsEntry("name", "cat-toy")
                    .containsEntry("step", "499")
                    .containsEntry("sd_checkpoint_name", "v1-5-pruned-emaonly");
        }
        assertThat(PickleScan.of(Fixtures.path("embedding-" + kind + ".ckpt")).isClean())
                .isTrue();
    }

    @Test
    void anEmbeddingOfXlHasTwoParts() {
        assertThat(Recognition.of(of(Map.of("clip_l", Fixtures.outline(2, 768), "clip_g", Fixtures.outline(2, 1280))))
                        .variant())
                .contains("2 × 768")
                .contains("2 × 1280")
                .endsWith("for Stable Diffusion XL");
    }

    @Test
    void theStateOfTrainingIsListed() {
        assertThat(TrainingState.of(Fixtures.path("lightning.ckpt")))
                .contains("callbacks", "optimizer_states")
                .anyMatch(entry -> entry.startsWith("global_step = "));
        assertThat(TrainingState.of(Fixtures.path("module.ckpt"))).isEmpty();
        assertThat(TrainingState.of(Fixtures.path("names.safetensors"))).isEmpty();
    }

    @Test
    void aVaeIsKnownAgainInAnyPrecisionAndFile() {
        Map<String, Tensor> alone = Map.of(
                "decoder.conv_in.weight",
                Bits.floats(0.25f, 3),
                "encoder.conv_in.weight",
                Bits.floats(1),
                "loss.x",
                Bits.floats(3));
        Map<String, Tensor> inside = Map.of(
                "first_stage_model.encoder.conv_in.weight", Bits.floats(1).to(DType.BF16),
                "first_stage_model.decoder.conv_in.weight",
                        Bits.floats(0.25f, 3).to(DType.F16),
                "other", Bits.floats(9));
        assertThat(VaeHash.of(of(alone))).isPresent().isEqualTo(VaeHash.of(of(inside)));
        Map<String, Tensor> other = new LinkedHashMap<>(alone);
        other.put("decoder.conv_in.weight", Bits.floats(0.25f, 3.5f));
        assertThat(VaeHash.of(of(other))).isNotEqualTo(VaeHash.of(of(alone)));
        assertThat(VaeHash.of(of(Map.of("x", Bits.floats(1))))).isEmpty();
    }
}
