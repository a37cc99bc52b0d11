package dev.atelier.merge;

import static dev.atelier.merge.ModelFile.UNET;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole checkpoints merged by a method of the catalogue. */
class MergeWithTest {
    private static final String WEIGHT = UNET + "input_blocks.1.0.in_layers.0.weight";
    private static final String TEXT = "cond_stage_model.transformer.text_model.final_layer_norm.bias";
    private static final String FIRST_CONVOLUTION = UNET + "input_blocks.0.0.weight";

    @TempDir
    Path folder;

    private static Checkpoint merge(String method, Map<String, String> written, Checkpoint... models) {
        return merge(method, written, Multipliers.NONE, _ -> true, models);
    }

    private static Checkpoint merge(
            String method,
            Map<String, String> written,
            Multipliers multipliers,
            Predicate<String> selected,
            Checkpoint... models) {
        MergeMethod chosen = MergeMethods.named(method);
        return Merge.with(chosen, chosen.settings(written), List.of(models), multipliers, selected);
    }

    private ModelFile model(float... weight) {
        return new ModelFile().floats(WEIGHT, weight);
    }

    @Test
    void onlyFloatingTensorsThatAllModelsHaveAreMerged() {
        Checkpoint a = model(1).floats(UNET + "only.a", 1)
                .floats("alphas_cumprod", 1)
                .zeros("model.steps", DType.I64, 1)
                .in(folder, "a");
        Checkpoint b = model(3).floats(UNET + "only.b", 3)
                .floats("alphas_cumprod", 3)
                .floats("model.steps", 3)
                .in(folder, "b");

        Checkpoint merged = merge("average", Map.of(), a, b);

        assertThat(merged.tensors().keySet()).containsExactly(WEIGHT, UNET + "only.a", "alphas_cumprod", "model.steps");
        assertThat(Tensors.floats(merged.tensor(WEIGHT))).containsExactly(2);
        for (String kept : List.of(UNET + "only.a", "alphas_cumprod", "model.steps")) {
            Tensors.assertSame(kept, merged.tensor(kept), a.tensor(kept));
        }
    }

    @Test
    void anEmaCopyOfAModelThatIsNoLongerThereIsDropped() {
        Checkpoint a = model(1).floats("model_ema.diffusion_modelx", 5).in(folder, "a");

        assertThat(merge("average", Map.of(), a, a).tensors()).containsOnlyKeys(WEIGHT);
    }

    @Test
    void theResultHasTheTypesOfAWhateverTheOthersAre() {
        Checkpoint a = new ModelFile()
                .tensor(WEIGHT, DType.F16, Shape.of(1), new byte[] {0, 0x3C})
                .in(folder, "a");
        Checkpoint b = model(1.0009f).in(folder, "b");

        Tensor merged = merge("weighted-sum", Map.of("alpha", "1"), a, b).tensor(WEIGHT);

        assertThat(merged.dtype()).isEqualTo(DType.F16);
        assertThat(Tensors.floats(merged)).containsExactly(1.0009765625f); // the nearest fp16 number
    }

    @Test
    void ofAnInpaintingModelOnlyTheSharedChannelsAreMerged() {
        float[] nine = new float[18];
        java.util.Arrays.fill(nine, 1);
        Checkpoint a = new ModelFile()
                .floats(FIRST_CONVOLUTION, Shape.of(2, 9, 1, 1), nine)
                .in(folder, "a");
        Checkpoint b = new ModelFile()
                .floats(FIRST_CONVOLUTION, Shape.of(2, 4, 1, 1), 3, 3, 3, 3, 5, 5, 5, 5)
                .in(folder, "b");

        assertThat(Tensors.floats(merge("average", Map.of(), a, b).tensor(FIRST_CONVOLUTION)))
                .containsExactly(2, 2, 2, 2, 1, 1, 1, 1, 1, 3, 3, 3, 3, 1, 1, 1, 1, 1);
        // C may be the inpainting model that A was trained from
        assertThat(Tensors.floats(
                        merge("add-difference", Map.of("alpha", "1"), a, b, a).tensor(FIRST_CONVOLUTION)))
                .containsExactly(3, 3, 3, 3, 1, 1, 1, 1, 1, 5, 5, 5, 5, 1, 1, 1, 1, 1);
        assertThatExceptionOfType(InvalidCheckpointException.class)
                .isThrownBy(() -> merge("average", Map.of(), b, a))
                .withMessageContaining("inpainting")
                .withMessageContaining("primary model (A)");
    }

    @Test
    void modelsThatDoNotFitAreNamedBeforeAnythingIsRead() {
        Checkpoint a = model(1, 2).in(folder, "a");
        Checkpoint other = model(1, 2, 3).in(folder, "other");
        Checkpoint strange = new ModelFile().floats("strange", 1).in(folder, "strange");

        assertThatExceptionOfType(InvalidCheckpointException.class)
                .isThrownBy(() -> merge("average", Map.of(), a, a, other))
                .withMessageContaining(folder.resolve("other") + ": ")
                .withMessageContaining("[3] here")
                .withMessageContaining("[2] in " + folder.resolve("a"));
        assertThatExceptionOfType(InvalidCheckpointException.class)
                .isThrownBy(() -> merge("average", Map.of(), a, strange))
                .withMessageContaining("shares no tensor");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> merge("slerp", Map.of(), a))
                .withMessageContaining("slerp merges 2 models, but 1 is given");
    }

    @Test
    void multipliersHoldForSomeTensorsAndSelectionKeepsOthers() {
        Checkpoint a = model(1).floats(TEXT, 1).in(folder, "a");
        Checkpoint b = model(3).floats(TEXT, 3).in(folder, "b");
        Multipliers text = Multipliers.component(Component.TEXT_ENCODER, 1);

        Checkpoint merged = merge("weighted-sum", Map.of("alpha", "0.5"), text, _ -> true, a, b);
        assertThat(Tensors.floats(merged.tensor(WEIGHT))).containsExactly(2);
        assertThat(Tensors.floats(merged.tensor(TEXT))).containsExactly(3);

        Checkpoint onlyUnet = merge("weighted-sum", Map.of("alpha", "0.5"), text, WEIGHT::equals, a, b);
        assertThat(Tensors.floats(onlyUnet.tensor(WEIGHT))).containsExactly(2);
        Tensors.assertSame(TEXT, onlyUnet.tensor(TEXT), a.tensor(TEXT));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> merge("max", Map.of(), text, _ -> true, a, b))
                .withMessageContaining("max has no multiplier");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> merge("smoothstep-sum", Map.of(), _ -> OptionalDouble.of(2), _ -> true, a, b))
                .withMessageContaining("smoothstep-sum, for \"" + WEIGHT + "\"")
                .withMessageContaining("between 0 and 1");
    }

    @Test
    void aMergeKnowsAllItsInputs() {
        Checkpoint a = model(1).metadata("title", "A", "only.a", "1").in(folder, "a");
        Checkpoint b = model(2).metadata("title", "B").in(folder, "b");
        Checkpoint c = model(6).metadata("modelspec.hash_sha256", "0xaa").in(folder, "c");

        Checkpoint merged = merge("average", Map.of(), a, b, c);

        assertThat(Tensors.floats(merged.tensor(WEIGHT))).containsExactly(3);
        assertThat(merged.sources()).containsExactly(folder.resolve("a"), folder.resolve("b"), folder.resolve("c"));
        assertThat(merged.metadata())
                .containsExactlyInAnyOrderEntriesOf(Map.of("title", "B", "only.a", "1", "format", "pt"));
    }
}
