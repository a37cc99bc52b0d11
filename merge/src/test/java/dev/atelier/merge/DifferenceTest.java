package dev.atelier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DifferenceTest {
    private static final String IN01 = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight";
    private static final String OUT = "model.diffusion_model.out.2.weight";
    private static final String TEXT = "cond_stage_model.transformer.text_model.encoder.layers.3.mlp.fc1.weight";

    @Test
    void smallNumbersByHand() {
        Difference difference =
                difference(Map.of(IN01, new float[] {3, 0, 4, 0}), Map.of(IN01, new float[] {3, 0, 0, 4}));
        TensorDifference only = difference.tensors().getFirst();
        Similarity similarity = only.similarity().orElseThrow();
        assertThat(only.identical()).isFalse();
        assertThat(only.place()).isEqualTo(new Place(Component.UNET, "IN01", "self-attention"));
        assertThat(similarity.changed()).isEqualTo(2);
        assertThat(similarity.cosine()).isEqualTo(9.0 / 25);
        assertThat(similarity.relativeNorm()).isEqualTo(Math.sqrt(32) / 5);
        assertThat(similarity.largestChange()).isEqualTo(4);
    }

    /** Expected: the same sums written plainly over the whole tensor, which is longer than a range and a block. */
    @Test
    void largeTensorsAreSummedAsOne() {
        Random random = new Random(7);
        float[] x = new float[700_001];
        float[] y = new float[x.length];
        double dot = 0;
        double xx = 0;
        double yy = 0;
        double dd = 0;
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
            y[i] = i % 3 == 0 ? x[i] : x[i] + 0.1f * (float) random.nextGaussian();
            dot += (double) x[i] * y[i];
            xx += (double) x[i] * x[i];
            yy += (double) y[i] * y[i];
            dd += Math.pow((double) y[i] - x[i], 2);
        }
        Similarity similarity = difference(Map.of(IN01, x), Map.of(IN01, y))
                .tensors()
                .getFirst()
                .similarity()
                .orElseThrow();
        assertThat(similarity.elements()).isEqualTo(x.length);
        assertThat(similarity.cosine()).isEqualTo(dot / Math.sqrt(xx * yy), within(1e-12));
        assertThat(similarity.relativeNorm()).isEqualTo(Math.sqrt(dd / xx), within(1e-12));
        assertThat(similarity.changed()).isEqualTo(x.length - 233_334);
    }

    @Test
    void groupsAddUpTheirTensors() {
        Map<String, float[]> a = new LinkedHashMap<>();
        a.put(IN01, new float[] {1, 0});
        a.put(OUT, new float[] {1, 1});
        a.put(TEXT, new float[] {5, 5});
        Difference difference =
                difference(a, Map.of(IN01, new float[] {0, 1}, OUT, new float[] {1, 1}, TEXT, new float[] {5, 5}));
        var components = difference.by(tensor -> tensor.place().component());
        assertThat(components.get(Component.TEXT_ENCODER).identical()).isEqualTo(1);
        Difference.Group unet = components.get(Component.UNET);
        assertThat(unet.tensors()).isEqualTo(2);
        assertThat(unet.identical()).isEqualTo(1);
        assertThat(unet.similarity().relativeNorm()).isEqualTo(Math.sqrt(2.0 / 3), within(1e-15));
        assertThat(difference.by(tensor -> tensor.place().block()).keySet())
                .containsExactly("IN01", "OUT11", "layer  3");
    }

    @Test
    void whatIsNotFiniteIsCountedAndLeftOutOfTheSums() {
        Similarity similarity = difference(
                        Map.of(IN01, new float[] {Float.NaN, 1, Float.POSITIVE_INFINITY, 2, 3e38f}),
                        Map.of(IN01, new float[] {Float.NaN, 1, 2, 3, -3e38f}))
                .tensors()
                .getFirst()
                .similarity()
                .orElseThrow();
        assertThat(similarity.notFinite()).isEqualTo(2);
        assertThat(similarity.changed()).isEqualTo(3);
        assertThat(similarity.largestChange()).isEqualTo(2.0 * 3e38f);
        assertThat(similarity.cosine()).isEqualTo(-1, within(1e-9));
    }

    @Test
    void whatCannotBeComparedIsListed() {
        Difference difference = difference(
                Map.of(IN01, new float[] {1, 2}, OUT, new float[] {1}),
                Map.of(IN01, new float[] {1}, TEXT, new float[] {1}));
        assertThat(difference.onlyA()).containsExactly(OUT);
        assertThat(difference.onlyB()).containsExactly(TEXT);
        assertThat(difference.tensors().getFirst().sameShape()).isFalse();
        assertThat(difference.tensors().getFirst().similarity()).isEmpty();
        assertThat(difference.identical()).isFalse();
    }

    @Test
    void otherTypesOfTheSameNumbersAreIdentical() {
        Checkpoint a = checkpoint(Map.of(IN01, new float[] {0.5f, 2}));
        assertThat(Difference.of(a, a.cast(DType.F16), Progress.NONE).identical())
                .isTrue();
    }

    private static Difference difference(Map<String, float[]> a, Map<String, float[]> b) {
        return Difference.of(checkpoint(a), checkpoint(b), Progress.NONE);
    }

    private static Tensor f32(float[] numbers) {
        return new InMemory(
                DType.F32,
                Shape.of(numbers.length),
                IntStream.range(0, numbers.length).mapToDouble(i -> numbers[i]).toArray());
    }

    private static Checkpoint checkpoint(Map<String, float[]> values) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        values.forEach((name, numbers) -> tensors.put(name, f32(numbers)));
        return Checkpoint.of(List.of(), tensors, Map.of());
    }
}
