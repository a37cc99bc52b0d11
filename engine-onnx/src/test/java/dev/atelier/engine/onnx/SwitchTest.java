package dev.atelier.engine.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DemoModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetAnswer;
import dev.atelier.model.UNetConditioning;
import dev.atelier.model.UNetShortcut;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model that takes another's weights computes, bit for bit, what the other one loaded anew does. */
class SwitchTest {
    @TempDir
    private Path folder;

    /** Whether weights are converted, and lie in memory of the engine's, or used where they lie in the file. */
    @ParameterizedTest(name = "from {0} to {1}")
    @CsvSource({"F16, F16", "F32, F32", "F16, F32", "F32, F16"})
    void toOtherWeights(DType from, DType to) {
        Checkpoint demo = Checkpoints.open(DemoModel.unpack(folder));
        StableDiffusion before = StableDiffusion.of(scaled(demo, from, 0.7f));
        StableDiffusion after = StableDiffusion.of(scaled(demo, to, 1));
        try (OnnxModel fresh = OnnxModel.load(after, Progress.NONE);
                OnnxModel switched = OnnxModel.load(before, Progress.NONE)) {
            List<FloatArray> others = results(switched);
            assertThat(switched.isBuiltLike(after)).isTrue();
            switched.switchTo(after, Progress.NONE);
            List<FloatArray> expected = results(fresh);
            List<FloatArray> actual = results(switched);
            for (int i = 0; i < expected.size(); i++) {
                assertThat(actual.get(i).values()).isEqualTo(expected.get(i).values());
                assertThat(others.get(i).values()).isNotEqualTo(expected.get(i).values());
            }
        }
    }

    @Test
    void aModelOfOtherShapesIsBuiltOtherwise() {
        StableDiffusion demo = StableDiffusion.of(Checkpoints.open(DemoModel.unpack(folder)));
        try (OnnxModel model = OnnxModel.load(demo, Progress.NONE)) {
            assertThat(model.isBuiltLike(StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)))))
                    .isFalse();
        }
    }

    /** What every network makes of noise. */
    private static List<FloatArray> results(OnnxModel model) {
        List<FloatArray> results = new ArrayList<>();
        int[][] tokens = new int[2][ClipTokenizer.WINDOW];
        tokens[1][3] = 1000;
        FloatArray context = model.encodeText(tokens).context();
        results.add(context);
        FloatArray latents = noise(2, 4, 16, 24);
        UNetConditioning text = UNetConditioning.of(context);
        float[] times = {500, 20};
        UNetAnswer whole = model.predictNoise(latents, times, text, new UNetShortcut(0, 1, null));
        results.add(whole.noise());
        results.add(model.predictNoise(latents, times, text, new UNetShortcut(0, 1, whole.deep()))
                .noise());
        results.add(model.decode(latents));
        return results;
    }

    private static FloatArray noise(int... shape) {
        Random random = new Random(5);
        float[] values = new float[shape[0] * shape[1] * shape[2] * shape[3]];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return FloatArray.of(values, shape);
    }

    /** A file with the same weights in another type, times a factor. */
    private Checkpoint scaled(Checkpoint checkpoint, DType type, float factor) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, Tensor> entry : checkpoint.tensors().entrySet()) {
            Tensor stored = entry.getValue();
            tensors.put(
                    entry.getKey(),
                    stored.dtype().isFloating() ? scaled(stored, factor).to(type) : stored);
        }
        Path file = folder.resolve("%s-%s.safetensors".formatted(type, factor));
        Checkpoint.of(List.of(), tensors, checkpoint.metadata()).writeTo(file, Progress.NONE);
        return Checkpoints.open(file);
    }

    private static Tensor scaled(Tensor stored, float factor) {
        MemorySegment values = Arena.ofAuto().allocate(stored.shape().elements() * Float.BYTES, Float.BYTES);
        stored.to(DType.F32).read(0, values);
        for (long i = 0; i < stored.shape().elements(); i++) {
            float value = values.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            values.setAtIndex(ValueLayout.JAVA_FLOAT, i, factor * value);
        }
        return Tensor.of(DType.F32, stored.shape(), values);
    }
}
