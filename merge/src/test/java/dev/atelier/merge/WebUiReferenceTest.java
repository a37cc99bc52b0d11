package dev.atelier.merge;

import static dev.atelier.merge.ModelFile.UNET;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Merges against the results of AUTOMATIC1111's formulas in PyTorch, bit by bit; README.md says how they were made. */
class WebUiReferenceTest {
    /** What "Save as float16" of the web UI leaves as it is, because it converts only merged fp32 tensors. */
    private static final Set<String> NOT_HALVED_BY_THE_WEB_UI = Set.of(
            UNET + "out.0.weight", // fp32, but only A has it, so that it is not merged
            UNET + "middle_block.0.in_layers.0.weight", // fp64
            UNET + "middle_block.0.in_layers.0.bias", // fp64
            UNET + "input_blocks.1.0.in_layers.0.weight"); // bf16

    private static Checkpoint reference(String name) {
        try {
            return Checkpoints.open(Path.of(
                    WebUiReferenceTest.class.getResource(name + ".safetensors").toURI()));
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static Checkpoint weightedSum() {
        return Merge.weightedSum(reference("a"), reference("b"), 0.3);
    }

    private static Checkpoint addDifference() {
        return Merge.addDifference(reference("a"), reference("b"), reference("c"), 0.7);
    }

    @Test
    void aWeightedSumHasTheBitsOfTheWebUi() {
        Tensors.assertSame(weightedSum(), reference("weighted-sum-0.3"));
    }

    @Test
    void anAddedDifferenceHasTheBitsOfTheWebUi() {
        Tensors.assertSame(addDifference(), reference("add-difference-0.7"));
    }

    @Test
    void anInpaintingModelIsMergedAsByTheWebUi() {
        Tensors.assertSame(
                Merge.weightedSum(reference("inpaint-a"), reference("inpaint-b"), 0.3),
                reference("inpaint-weighted-sum-0.3"));
        Tensors.assertSame(
                Merge.addDifference(reference("inpaint-a"), reference("inpaint-b"), reference("inpaint-c"), 1.0),
                reference("inpaint-add-difference-1.0"));
    }

    @Test
    void savingAsHalfHasTheBitsOfTheWebUi() {
        assertHalved(weightedSum(), reference("weighted-sum-0.3"), reference("weighted-sum-0.3-half"));
        assertHalved(addDifference(), reference("add-difference-0.7"), reference("add-difference-0.7-half"));
    }

    private static void assertHalved(Checkpoint merged, Checkpoint whole, Checkpoint half) {
        Checkpoint actual = merged.cast(DType.F16);

        assertThat(actual.tensors()).containsOnlyKeys(half.tensors().keySet());
        half.tensors().forEach((name, expected) -> {
            if (NOT_HALVED_BY_THE_WEB_UI.contains(name)) {
                assertThat(expected.dtype()).as(name).isNotEqualTo(DType.F16);
                assertThat(actual.tensor(name).dtype()).as(name).isEqualTo(DType.F16);
                assertThat(Tensors.floats(actual.tensor(name))).as(name).isEqualTo(halved(whole.tensor(name)));
            } else {
                Tensors.assertSame(name, actual.tensor(name), expected);
            }
        });
    }

    private static float[] halved(Tensor tensor) {
        float[] values = Tensors.floats(tensor);
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
        }
        return values;
    }

    @Test
    void savingKeepsTheNoiseScheduleAndTheIntegers() {
        Checkpoint saved = weightedSum().cast(DType.BF16);

        assertThat(saved.tensor("alphas_cumprod").dtype()).isEqualTo(DType.F32);
        assertThat(saved.tensor("cond_stage_model.transformer.text_model.embeddings.position_ids")
                        .dtype())
                .isEqualTo(DType.I64);
        assertThat(saved.tensor(UNET + "out.2.weight").dtype()).isEqualTo(DType.BF16);
    }

    @Test
    void whatIsWrittenIsWhatTheViewShows(@TempDir Path folder) {
        Checkpoint[] views = {
            weightedSum(),
            addDifference(),
            Merge.weightedSum(reference("inpaint-a"), reference("inpaint-b"), 0.3),
            addDifference().cast(DType.F16)
        };
        for (int i = 0; i < views.length; i++) {
            Path file = folder.resolve(i + ".safetensors");

            views[i].writeTo(file, Progress.NONE);

            Tensors.assertSame(Checkpoints.open(file), views[i]);
            assertThat(Checkpoints.open(file).metadata()).isEqualTo(views[i].metadata());
        }
    }

    @Test
    void aViewIsReadAlikeInWholeAndInParts() {
        addDifference().tensors().forEach((name, tensor) -> {
            if (tensor.dtype().isFloating()) {
                float[] whole = Tensors.floats(tensor);
                for (int first = 0; first < whole.length; first += 7) {
                    float[] one = new float[1];
                    tensor.read(first, one, 1);
                    assertThat(one[0]).as(name).isEqualTo(whole[first]);
                }
            }
        });
    }
}
