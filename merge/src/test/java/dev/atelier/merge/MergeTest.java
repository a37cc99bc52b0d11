package dev.atelier.merge;

import static dev.atelier.merge.ModelFile.UNET;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MergeTest {
    private static final String WEIGHT = UNET + "out.2.weight";
    private static final String FIRST_CONVOLUTION = UNET + "input_blocks.0.0.weight";
    private static final String POSITION_IDS = "cond_stage_model.transformer.text_model.embeddings.position_ids";

    @TempDir
    Path folder;

    private Checkpoint model(String name, float... weight) {
        return new ModelFile().floats(WEIGHT, weight).in(folder, name);
    }

    private static void assertRefused(ThrowingCallable merge, Reason reason, String... words) {
        assertThatExceptionOfType(InvalidCheckpointException.class)
                .isThrownBy(merge)
                .satisfies(refusal -> {
                    assertThat(refusal.reason()).as(refusal.getMessage()).isEqualTo(reason);
                    for (String word : words) {
                        assertThat(refusal.getMessage()).contains(word);
                    }
                });
    }

    @ParameterizedTest
    @CsvSource({"0, 1, -2, 0.5", "1, 5, 8, 4.5", "0.5, 3, 3, 2.5", "-0.5, -1, -7, -1.5", "1.5, 7, 13, 6.5"})
    void aWeightedSumLiesOnTheLineThroughBothModels(double m, float x, float y, float z) {
        Checkpoint merged = Merge.weightedSum(model("a", 1, -2, 0.5f), model("b", 5, 8, 4.5f), m);

        assertThat(Tensors.floats(merged.tensor(WEIGHT))).containsExactly(x, y, z);
    }

    @ParameterizedTest
    @CsvSource({"0, 1, -2", "1, 4, 8", "2, 7, 18", "-1, -2, -12"})
    void whatBLearntOnTopOfCIsAddedToA(double m, float x, float y) {
        Checkpoint merged = Merge.addDifference(model("a", 1, -2), model("b", 5, 8), model("c", 2, -2), m);

        assertThat(Tensors.floats(merged.tensor(WEIGHT))).containsExactly(x, y);
    }

    @Test
    void aMultiplierOf0GivesAAndOf1GivesB() {
        Checkpoint a = model("a", 0.1f, -1e-40f, 3.4028235e38f);
        Checkpoint b = model("b", 0.3f, 1e-45f, -65_504);

        assertThat(Tensors.bits(Merge.weightedSum(a, b, 0).tensor(WEIGHT))).isEqualTo(Tensors.bits(a.tensor(WEIGHT)));
        assertThat(Tensors.bits(Merge.weightedSum(a, b, 1).tensor(WEIGHT))).isEqualTo(Tensors.bits(b.tensor(WEIGHT)));
        assertThat(Tensors.bits(Merge.addDifference(a, b, b, 0.7).tensor(WEIGHT)))
                .isEqualTo(Tensors.bits(a.tensor(WEIGHT)));
    }

    @Test
    void tensorsOfMoreThanOneBlockAreMergedToTheirEnd() {
        float[] a = new float[50_000];
        float[] b = new float[50_000];
        for (int i = 0; i < a.length; i++) {
            a[i] = i;
            b[i] = -3 * i;
        }

        byte[] merged = Tensors.bits(
                Merge.weightedSum(model("a", a), model("b", b), 0.25).tensor(WEIGHT));

        ByteBuffer values = ByteBuffer.wrap(merged).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < a.length; i++) {
            assertThat(values.getFloat()).isZero();
        }
        assertThat(values.hasRemaining()).isFalse();
    }

    @Test
    void onlySharedTensorsOfTheModelProperAreMerged() {
        Checkpoint a = new ModelFile()
                .floats(WEIGHT, 1)
                .floats(UNET + "only.a", 1)
                .floats("alphas_cumprod", 1)
                .in(folder, "a");
        Checkpoint b = new ModelFile()
                .floats(WEIGHT, 3)
                .floats(UNET + "only.b", 3)
                .floats("alphas_cumprod", 3)
                .in(folder, "b");

        Checkpoint merged = Merge.weightedSum(a, b, 0.5);

        assertThat(merged.tensors().keySet()).containsExactly(WEIGHT, UNET + "only.a", "alphas_cumprod");
        assertThat(Tensors.floats(merged.tensor(WEIGHT))).containsExactly(2);
        assertThat(Tensors.floats(merged.tensor(UNET + "only.a"))).containsExactly(1);
        assertThat(Tensors.floats(merged.tensor("alphas_cumprod"))).containsExactly(1);
    }

    @Test
    void positionIdsAreNeverAveraged() {
        Checkpoint a = new ModelFile()
                .floats(WEIGHT, 1)
                .tensor(POSITION_IDS, DType.I64, Shape.of(1), new byte[] {76, 0, 0, 0, 0, 0, 0, 0})
                .in(folder, "a");
        Checkpoint b = new ModelFile()
                .floats(WEIGHT, 3)
                .zeros(POSITION_IDS, DType.I64, 1)
                .in(folder, "b");

        for (Checkpoint merged : new Checkpoint[] {Merge.weightedSum(a, b, 0.5), Merge.addDifference(a, b, b, 0.5)}) {
            Tensors.assertSame(POSITION_IDS, merged.tensor(POSITION_IDS), a.tensor(POSITION_IDS));
        }
    }

    @Test
    void whereCLacksATensorTheDifferenceIsZero() {
        Checkpoint c = new ModelFile().floats(UNET + "other", 9).in(folder, "c");

        Checkpoint merged = Merge.addDifference(model("a", 1), model("b", 5), c, 1);

        assertThat(Tensors.floats(merged.tensor(WEIGHT))).containsExactly(1);
    }

    @Test
    void aTextEncoderInTheOldLayoutMeetsItsTwin() {
        String old = "cond_stage_model.transformer.encoder.layers.0.mlp.fc1.bias";
        String published = "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.bias";
        Checkpoint a = new ModelFile().floats(old, 1).in(folder, "a");
        Checkpoint b = new ModelFile().floats(published, 3).in(folder, "b");

        for (Checkpoint merged : new Checkpoint[] {Merge.weightedSum(a, b, 0.5), Merge.addDifference(a, b, a, 0.5)}) {
            assertThat(merged.tensors()).containsOnlyKeys(published);
            assertThat(Tensors.floats(merged.tensor(published))).containsExactly(2);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 9})
    void onlyTheFourSharedChannelsOfALargerModelAreMerged(int channels) {
        float[] large = new float[2 * channels];
        for (int i = 0; i < large.length; i++) {
            large[i] = i;
        }
        Checkpoint a = new ModelFile()
                .floats(FIRST_CONVOLUTION, Shape.of(2, channels, 1, 1), large)
                .in(folder, "a");
        Checkpoint b = new ModelFile()
                .floats(FIRST_CONVOLUTION, Shape.of(2, 4, 1, 1), 100, 101, 102, 103, 104, 105, 106, 107)
                .in(folder, "b");

        Tensor merged = Merge.weightedSum(a, b, 0.5).tensor(FIRST_CONVOLUTION);

        assertThat(merged.shape()).isEqualTo(Shape.of(2, channels, 1, 1));
        for (int row = 0; row < 2; row++) {
            for (int channel = 0; channel < 4; channel++) {
                large[row * channels + channel] = (large[row * channels + channel] + 100 + row * 4 + channel) / 2;
            }
        }
        assertThat(Tensors.floats(merged)).containsExactly(large);
    }

    @ParameterizedTest
    @CsvSource({"9, inpainting", "8, instruct-pix2pix"})
    void aModelWithMoreInputChannelsMustBeThePrimaryOne(int channels, String kind) {
        Checkpoint a =
                new ModelFile().zeros(FIRST_CONVOLUTION, DType.F16, 8, 4, 3, 3).in(folder, "plain");
        Checkpoint b = new ModelFile()
                .zeros(FIRST_CONVOLUTION, DType.F16, 8, channels, 3, 3)
                .in(folder, "special");

        assertRefused(
                () -> Merge.weightedSum(a, b, 0.5),
                Reason.SHAPE_MISMATCH,
                folder.resolve("special") + ": ",
                kind,
                "primary model (A)");
        assertRefused(() -> Merge.addDifference(a, b, b, 0.5), Reason.SHAPE_MISMATCH, kind, "primary model (A)");
    }

    @ParameterizedTest
    @CsvSource({"9, 5", "5, 4", "8, 9", "4, 3"})
    void otherInputChannelsDoNotFit(int channelsOfA, int channelsOfB) {
        Checkpoint a = new ModelFile()
                .zeros(FIRST_CONVOLUTION, DType.F16, 8, channelsOfA, 3, 3)
                .in(folder, "a");
        Checkpoint b = new ModelFile()
                .zeros(FIRST_CONVOLUTION, DType.F16, 8, channelsOfB, 3, 3)
                .in(folder, "b");

        assertRefused(() -> Merge.weightedSum(a, b, 0.5), Reason.SHAPE_MISMATCH, FIRST_CONVOLUTION);
    }

    @Test
    void aDifferentShapeIsNamedWithBothFiles() {
        Checkpoint a = model("a", 1, 2, 3);
        Checkpoint b = model("b", 1, 2);

        assertRefused(
                () -> Merge.weightedSum(a, b, 0.5),
                Reason.SHAPE_MISMATCH,
                folder.resolve("b") + ": ",
                "\"" + WEIGHT + "\"",
                "[2] here",
                "[3] in " + folder.resolve("a"));
        assertRefused(
                () -> Merge.addDifference(a, a, b, 0.5),
                Reason.SHAPE_MISMATCH,
                folder.resolve("b") + ": ",
                "\"" + WEIGHT + "\"",
                "[2] here",
                "[3] in " + folder.resolve("a"));
        assertRefused(
                () -> Merge.addDifference(a, b, b, 0.5), Reason.SHAPE_MISMATCH, folder.resolve("b") + ": ", WEIGHT);
    }

    @Test
    void aDifferentRankIsNamed() {
        Checkpoint a = new ModelFile().zeros(WEIGHT, DType.F16, 4, 4).in(folder, "a");
        Checkpoint b = new ModelFile().zeros(WEIGHT, DType.F16, 4, 4, 1, 1).in(folder, "b");

        assertRefused(
                () -> Merge.weightedSum(a, b, 0.5), Reason.SHAPE_MISMATCH, WEIGHT, "[4, 4, 1, 1] here", "[4, 4] in");
    }

    @Test
    void modelsThatShareNothingAreNotMerged() {
        Checkpoint a = model("a", 1);
        Checkpoint b = new ModelFile()
                .floats("alphas_cumprod", 1)
                .floats("lora_unet_mid.lora_down.weight", 1)
                .in(folder, "b");

        assertRefused(
                () -> Merge.weightedSum(a, b, 0.5),
                Reason.UNKNOWN_LAYOUT,
                folder.resolve("b") + ": ",
                "shares no tensor with " + folder.resolve("a"),
                "LoRA");
        assertRefused(() -> Merge.addDifference(a, b, a, 0.5), Reason.UNKNOWN_LAYOUT, "shares no tensor");
    }

    @Test
    void whatIsNoNumberIsNamedWhereverItStands() {
        Checkpoint plain = model("plain", 1, 2);
        Checkpoint small = new ModelFile().zeros(WEIGHT, DType.U16, 2).in(folder, "small");
        Checkpoint empty = new ModelFile().floats(UNET + "other", 1).in(folder, "empty");
        String[] words = {folder.resolve("small") + ": ", "\"" + WEIGHT + "\"", "U16"};

        assertRefused(() -> Merge.weightedSum(plain, small, 0.5), Reason.UNKNOWN_DTYPE, words);
        assertRefused(() -> Merge.weightedSum(small, plain, 0.5), Reason.UNKNOWN_DTYPE, words);
        assertRefused(() -> Merge.addDifference(small, plain, plain, 0.5), Reason.UNKNOWN_DTYPE, words);
        assertRefused(() -> Merge.addDifference(plain, small, plain, 0.5), Reason.UNKNOWN_DTYPE, words);
        assertRefused(() -> Merge.addDifference(plain, plain, small, 0.5), Reason.UNKNOWN_DTYPE, words);
        assertRefused(() -> Merge.addDifference(plain, small, empty, 0.5), Reason.UNKNOWN_DTYPE, words);
    }

    @Test
    void aFirstConvolutionOfIntegersIsRefused() {
        Checkpoint a =
                new ModelFile().zeros(FIRST_CONVOLUTION, DType.I8, 8, 9, 3, 3).in(folder, "a");
        Checkpoint b =
                new ModelFile().zeros(FIRST_CONVOLUTION, DType.F16, 8, 4, 3, 3).in(folder, "b");

        assertRefused(
                () -> Merge.weightedSum(a, b, 0.5),
                Reason.UNKNOWN_DTYPE,
                folder.resolve("a") + ": ",
                FIRST_CONVOLUTION,
                "I8");
    }

    @Test
    void aTensorOfAnotherTypeThatIsNotMergedIsKept() {
        Checkpoint a = new ModelFile()
                .floats(WEIGHT, 1)
                .tensor(UNET + "only.a", DType.U16, Shape.of(1), new byte[] {1, 2})
                .in(folder, "a");

        Checkpoint merged = Merge.weightedSum(a, model("b", 3), 0.5).cast(DType.F16);

        Tensors.assertSame("only.a", merged.tensor(UNET + "only.a"), a.tensor(UNET + "only.a"));
    }

    /** No name in a VAE's file has the word "model", by which AUTOMATIC1111 chooses. */
    @Test
    void aPartOnItsOwnIsMergedAsWell() {
        String name = "decoder.conv_in.weight";
        Checkpoint a = new ModelFile().floats(name, 1).in(folder, "a");
        Checkpoint b = new ModelFile().floats(name, 3).in(folder, "b");
        Checkpoint c = new ModelFile().floats(name, 2).in(folder, "c");

        assertThat(Tensors.floats(Merge.weightedSum(a, b, 0.5).tensor(name))).containsExactly(2);
        assertThat(Tensors.floats(Merge.addDifference(a, b, c, 0.5).tensor(name)))
                .containsExactly(1.5f);
        MergeMethod ties = MergeMethods.named("ties");
        assertThat(Tensors.floats(Merge.with(ties, ties.settings(Map.of()), List.of(a, b), Multipliers.NONE, _ -> true)
                        .tensor(name)))
                .containsExactly(3);
    }

    @Test
    void metadataIsUnitedWithoutWhatDescribesASingleFile() {
        Checkpoint a = new ModelFile()
                .metadata("title", "A", "only.a", "1", "modelspec.hash_sha256", "0xaa")
                .floats(WEIGHT, 1)
                .in(folder, "a");
        Checkpoint b = new ModelFile()
                .metadata("title", "B", "only.b", "2", "modelspec.thumbnail", "data:", "format", "tf")
                .floats(WEIGHT, 1)
                .in(folder, "b");
        Checkpoint c = new ModelFile()
                .metadata("title", "C", "only.c", "3")
                .floats(WEIGHT, 1)
                .in(folder, "c");

        assertThat(Merge.weightedSum(a, b, 0.5).metadata())
                .containsExactlyInAnyOrderEntriesOf(Map.of("title", "B", "only.a", "1", "only.b", "2", "format", "pt"));
        assertThat(Merge.addDifference(a, b, c, 0.5).metadata())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("title", "C", "only.a", "1", "only.b", "2", "only.c", "3", "format", "pt"));
    }

    @Test
    void aMergeKnowsAllItsInputsAndOverwritesNone() {
        Checkpoint a = model("a", 1);
        Checkpoint b = model("b", 2);
        Checkpoint c = model("c", 3);
        Path[] inputs = {folder.resolve("a"), folder.resolve("b"), folder.resolve("c")};

        Checkpoint merged = Merge.addDifference(a, b, c, 0.5).cast(DType.F16);

        assertThat(merged.sources()).containsExactly(inputs);
        assertThat(Merge.weightedSum(a, c, 0.5).sources()).containsExactly(inputs[0], inputs[2]);
        for (Path input : inputs) {
            assertThatIllegalArgumentException().isThrownBy(() -> merged.writeTo(input, Progress.NONE));
            assertThat(Tensors.floats(Checkpoints.open(input).tensor(WEIGHT))).hasSize(1);
        }
    }

    @Test
    void aMergeOfMergesIsAMerge() {
        Checkpoint inner = Merge.weightedSum(model("a", 0), model("b", 8), 0.5);

        Checkpoint outer = Merge.addDifference(inner, Merge.weightedSum(inner, model("c", 0), 0.5), model("d", 1), 2);

        assertThat(Tensors.floats(outer.tensor(WEIGHT))).containsExactly(4 + 2 * (2 - 1));
        assertThat(outer.sources()).hasSize(4);
    }
}
