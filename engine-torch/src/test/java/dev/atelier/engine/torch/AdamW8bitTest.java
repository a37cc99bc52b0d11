package dev.atelier.engine.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Reference;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Held to bitsandbytes; see the README beside the numbers. */
class AdamW8bitTest {
    private static final int STEPS = 10;
    private static final Map<String, Shape> SHAPES = Map.of("large", Shape.of(50, 100), "small", Shape.of(30, 40));

    private static float[] waves(int count, int step) {
        float[] values = new float[count];
        for (int k = 0; k < count; k++) {
            values[k] = (float) (Math.sin(k + 1 + 7 * step) * Math.pow(10, -(k % 3)));
        }
        return values;
    }

    private static Reference reference(Path folder) throws IOException {
        Path file = folder.resolve("adam8bit.safetensors");
        try (InputStream stored = Objects.requireNonNull(
                AdamW8bitTest.class.getResourceAsStream(file.getFileName().toString()))) {
            Files.copy(stored, file);
        }
        return new Reference(Checkpoints.open(file));
    }

    @Test
    void tenStepsGiveTheWeightsAndTheStateOfBitsandbytes(@TempDir Path folder) throws IOException {
        Reference reference = reference(folder);
        Map<String, Tensor> start = new LinkedHashMap<>();
        SHAPES.forEach((name, shape) ->
                start.put(name, Tensor.of(DType.F32, shape, MemorySegment.ofArray(waves((int) shape.elements(), 0)))));
        Parameters parameters = new Parameters(start, _ -> 1);
        OptimizerSettings.AdamW exact = new OptimizerSettings.AdamW(0.9, 0.999, 1e-8, 0.01);
        try (parameters;
                AdamW8bit optimizer = new AdamW8bit(exact, parameters)) {
            for (int step = 1; step <= STEPS; step++) {
                for (String name : SHAPES.keySet()) {
                    MemorySegment gradients = parameters.memory(parameters.gradients(), name);
                    gradients.copyFrom(MemorySegment.ofArray(waves((int) (gradients.byteSize() / Float.BYTES), step)));
                }
                optimizer.step(1e-2, step);
            }
            for (String name : SHAPES.keySet()) {
                float[] moved = parameters.memory(parameters.values(), name).toArray(ValueLayout.JAVA_FLOAT);
                assertThat(moved)
                        .usingComparatorWithPrecision(1e-6f)
                        .containsExactly(reference.array(name).values());
            }
            assertThat(off(optimizer, "exp_avg.large", reference, "large.state1"))
                    .isLessThanOrEqualTo(5);
            assertThat(off(optimizer, "exp_avg_sq.large", reference, "large.state2"))
                    .isLessThanOrEqualTo(5);
            assertThat(floats(optimizer, "exp_avg.absmax.large"))
                    .usingComparatorWithPrecision(1e-6f)
                    .containsExactly(reference.array("large.absmax1").values());
            assertThat(floats(optimizer, "exp_avg_sq.small"))
                    .usingComparatorWithPrecision(1e-8f)
                    .containsExactly(reference.array("small.state2").values());
        }
    }

    private static float[] floats(AdamW8bit optimizer, String name) {
        return Tensors.memory(Objects.requireNonNull(optimizer.others().get(name)))
                .toArray(ValueLayout.JAVA_FLOAT);
    }

    /** How many codes are not the same; one that is lies next to it, as sums are not rounded alike. */
    private static int off(AdamW8bit optimizer, String name, Reference reference, String due) {
        byte[] codes = Tensors.memory(Objects.requireNonNull(optimizer.others().get(name)))
                .toArray(ValueLayout.JAVA_BYTE);
        float[] expected = reference.array(due).values();
        int off = 0;
        for (int i = 0; i < codes.length; i++) {
            int distance = Math.abs((codes[i] & 0xff) - (int) expected[i]);
            assertThat(distance).isLessThanOrEqualTo(1);
            off += distance;
        }
        return off;
    }

    @Test
    void everyValueIsItsOwnCode() {
        for (DynamicCode code : new DynamicCode[] {DynamicCode.SIGNED, DynamicCode.UNSIGNED}) {
            for (int i = 0; i < 256; i++) {
                assertThat(code.encode(code.decode((byte) i))).isEqualTo((byte) i);
                if (i > 0) {
                    float middle = (float) (((double) code.decode((byte) i) + code.decode((byte) (i - 1))) / 2);
                    assertThat(code.encode(Math.nextUp(middle))).isEqualTo((byte) i);
                    assertThat(code.encode(Math.nextDown(middle))).isEqualTo((byte) (i - 1));
                }
            }
        }
    }
}
