package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SlimTest {
    private static final String CONV = "model.diffusion_model.input_blocks.0.0.weight";
    private static final String IDS = "cond_stage_model.transformer.text_model.embeddings.position_ids";
    private static final String DECODER = "first_stage_model.decoder.conv_in.weight";

    private static Checkpoint training() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put(CONV, Bits.floats(1, 2));
        tensors.put("model_ema.diffusion_modelinput_blocks00weight", Bits.floats(3, 4));
        tensors.put("model_ema.num_updates", Bits.tensor(DType.I32, Shape.of(), new byte[4]));
        tensors.put(DECODER, Bits.floats(5));
        tensors.put("first_stage_model.loss.logvar", Bits.floats(6));
        tensors.put("betas", Bits.floats(7));
        tensors.put("alphas_cumprod", Bits.floats(8));
        tensors.put("v_pred", Bits.floats());
        tensors.put(IDS, longs(0, 1, 2));
        return named("training.ckpt", tensors);
    }

    @Test
    void droppingTheEmaCopyKeepsTheTrainedWeights() {
        Checkpoint dropped = Slim.dropEma(training());
        assertThat(dropped.tensors().keySet()).noneMatch(name -> name.startsWith("model_ema."));
        assertThat(value(dropped, CONV)).isEqualTo(1);
    }

    @Test
    void theAveragedWeightsTakeThePlaceOfTheTrainedOnes() {
        Checkpoint averaged = Slim.emaOnly(training());
        assertThat(averaged.tensors().keySet()).noneMatch(name -> name.startsWith("model_ema."));
        assertThat(value(averaged, CONV)).isEqualTo(3);
        assertThat(value(averaged, DECODER)).isEqualTo(5);
    }

    @Test
    void averagedAndTrainedWeightsChangePlaces() {
        Checkpoint exchanged = Slim.exchangeEma(training());
        assertThat(exchanged.tensors().keySet())
                .containsExactlyElementsOf(training().tensors().keySet());
        assertThat(value(exchanged, CONV)).isEqualTo(3);
        assertThat(value(exchanged, "model_ema.diffusion_modelinput_blocks00weight"))
                .isEqualTo(1);
        assertThat(value(exchanged, DECODER)).isEqualTo(5);
    }

    @Test
    void whatAModelLacksIsFilledInFromAnother() {
        Checkpoint whole = training();
        Checkpoint part = whole.filter(name -> !name.equals(DECODER)).map((_, _) -> Bits.floats(9));
        Checkpoint filled = Slim.filledFrom(whole, part);
        assertThat(filled.tensors().keySet())
                .containsExactlyInAnyOrderElementsOf(whole.tensors().keySet());
        assertThat(value(filled, CONV)).isEqualTo(9);
        assertThat(value(filled, DECODER)).isEqualTo(5);
    }

    /** The real key list has 686 averaged tensors; each must find its own. */
    @Test
    void everyTensorOfStableDiffusionFindsItsAverage() {
        Checkpoint model = Fixtures.model("sd15");
        Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
        Tensor average = Fixtures.outline(1);
        model.tensors().keySet().stream()
                .filter(name -> name.startsWith("model."))
                .forEach(name -> tensors.put("model_ema." + name.substring(6).replace(".", ""), average));
        assertThat(tensors).hasSize(1131 + 686);
        assertThat(Slim.emaOnly(named("sd15", tensors)).tensors())
                .hasSize(1131)
                .allSatisfy((name, tensor) -> assertThat(tensor == average).isEqualTo(name.startsWith("model.")));
    }

    @Test
    void aCheckpointWithoutAveragesCannotBecomeOne() {
        Checkpoint dropped = Slim.dropEma(training());
        assertThatThrownBy(() -> Slim.emaOnly(dropped))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessage("training.ckpt: it has no EMA copy of its weights (model_ema.…)");
    }

    @Test
    void aMissingAverageIsNamed() {
        Map<String, Tensor> tensors = new LinkedHashMap<>(training().tensors());
        tensors.put("model.diffusion_model.out.2.bias", Bits.floats(1));
        assertThatThrownBy(() -> Slim.emaOnly(named("half.ckpt", tensors)))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("model_ema.diffusion_modelout2bias");
    }

    @Test
    void pruningKeepsWhatChangesPictures() {
        assertThat(Slim.prune(training()).tensors().keySet())
                .containsExactly(CONV, DECODER, "alphas_cumprod", "v_pred", IDS);
    }

    @Test
    void aVaeIsTakenFromAFileOfItsOwnOrFromAWholeCheckpoint() {
        Checkpoint alone =
                named("vae.pt", Map.of("decoder.conv_in.weight", Bits.floats(9), "first_stage_model", Bits.floats(0)));
        Checkpoint whole = named("other.ckpt", Map.of(DECODER, Bits.floats(10)));
        Checkpoint model = named("a.ckpt", Map.of(CONV, Bits.floats(1), DECODER, Bits.floats(5)));
        assertThat(value(Slim.withVae(model, alone), DECODER)).isEqualTo(9);
        assertThat(value(Slim.withVae(model, whole), DECODER)).isEqualTo(10);
        assertThat(value(Slim.withVae(model, whole), CONV)).isEqualTo(1);
        assertThat(Slim.withVae(model, whole).sources()).containsExactly(Path.of("a.ckpt"), Path.of("other.ckpt"));
    }

    @Test
    void aFileWithoutAVaeAndAVaeOfAnotherShapeAreRefused() {
        Checkpoint model = named("a.ckpt", Map.of(DECODER, Bits.floats(5)));
        Checkpoint none = named("lora.safetensors", Map.of("lora_down", Bits.floats(1)));
        Checkpoint wide = named("wide.pt", Map.of("decoder.conv_in.weight", Bits.floats(1, 2)));
        assertThatThrownBy(() -> Slim.withVae(model, none)).hasMessageContaining("lora.safetensors: it holds no VAE");
        assertThatThrownBy(() -> Slim.withVae(model, wide))
                .hasMessageContaining("[2]")
                .hasMessageContaining("[1]");
    }

    @Test
    void damagedPositionIdsAreRepaired() {
        for (Tensor damaged : List.of(longs(0, 1, 1), Bits.floats(0, 0.9999f, 2), Bits.shorts(DType.F16, (short) 0))) {
            Checkpoint checkpoint = named("merged.ckpt", Map.of(IDS, damaged));
            assertThat(Slim.hasSoundPositionIds(checkpoint)).isFalse();
            Tensor repaired = Slim.repairPositionIds(checkpoint).tensor(IDS);
            long count = damaged.shape().elements();
            assertThat(Bits.of(repaired))
                    .isEqualTo(Bits.of(longs(Stream.iterate(0L, i -> i + 1)
                            .limit(count)
                            .mapToLong(Long::longValue)
                            .toArray())));
            assertThat(repaired.dtype()).isEqualTo(DType.I64);
        }
        assertThat(Slim.hasSoundPositionIds(training())).isTrue();
    }

    @Test
    void castingLeavesTheNoiseScheduleAlone() {
        Checkpoint cast = training().cast(DType.F16);
        assertThat(cast.tensor("alphas_cumprod").dtype()).isEqualTo(DType.F32);
        assertThat(cast.tensor(CONV).dtype()).isEqualTo(DType.F16);
    }

    private static Checkpoint named(String name, Map<String, Tensor> tensors) {
        return Checkpoint.of(List.of(Path.of(name)), tensors, Map.of());
    }

    private static float value(Checkpoint checkpoint, String tensor) {
        float[] first = new float[1];
        checkpoint.tensor(tensor).read(0, first, 1);
        return first[0];
    }

    private static Tensor longs(long... values) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) {
            bytes.putLong(value);
        }
        return Bits.tensor(DType.I64, Shape.of(values.length), bytes.array());
    }

    @Test
    void componentsAreTakenOutAndPutIn() {
        Checkpoint model = Checkpoint.of(
                List.of(Path.of("a")),
                Map.of(
                        "model.diffusion_model.x", Bits.floats(1),
                        "first_stage_model.decoder.conv_in.weight", Bits.floats(2),
                        "conditioner.embedders.0.x", Bits.floats(3),
                        "conditioner.embedders.1.y", Bits.floats(4)),
                Map.of());
        assertThat(Slim.only(Component.TEXT_ENCODER, model).tensors().keySet())
                .containsExactlyInAnyOrder("conditioner.embedders.0.x", "conditioner.embedders.1.y");
        assertThat(Slim.only(Component.UNET, model).tensors()).containsOnlyKeys("model.diffusion_model.x");
        assertThat(Slim.only(Component.VAE, model).tensors()).containsOnlyKeys("decoder.conv_in.weight");
        assertThatThrownBy(() -> Slim.only(Component.EMA, model)).hasMessageContaining("no EMA copy");

        Checkpoint other = Checkpoint.of(
                List.of(Path.of("b")),
                Map.of("model.diffusion_model.x", Bits.floats(7), "conditioner.embedders.0.x", Bits.floats(8, 9)),
                Map.of());
        Checkpoint replaced = Slim.with(Component.UNET, model, other);
        assertThat(Bits.of(replaced.tensor("model.diffusion_model.x"))).isEqualTo(Bits.of(Bits.floats(7)));
        assertThat(replaced.tensor("conditioner.embedders.0.x")).isSameAs(model.tensor("conditioner.embedders.0.x"));
        assertThat(replaced.sources()).containsExactly(Path.of("a"), Path.of("b"));
        assertThatThrownBy(() -> Slim.with(Component.TEXT_ENCODER, model, other))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("conditioner.embedders.");
        assertThatThrownBy(() -> Slim.with(Component.EMA, model, other)).hasMessageContaining("holds no EMA copy");
    }
}
