package dev.atelier.engine.onnx;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.onnx.FastOps.Size;
import dev.atelier.engine.onnx.OnnxGraph.ElementType;
import dev.atelier.model.FloatArray;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Convolutions of all sizes, also in bands of rows, against their definition. */
class WinogradTest {
    private static final int INPUTS = 40;
    private static final int OUTPUTS = 33;

    private final Random random = new Random(3);

    @ParameterizedTest(name = "{0}: {1} images of {2} × {3} pixels, {4} bands, number known: {5}")
    @CsvSource({
        "WINOGRAD, 1, 1, 1, 1, false",
        "WINOGRAD, 2, 5, 3, 1, true",
        "WINOGRAD, 1, 16, 12, 1, false",
        "WINOGRAD, 2, 16, 8, 2, true",
        "WINOGRAD, 2, 23, 9, 3, false",
        "WINOGRAD, 1, 18, 7, 5, true",
        "WINOGRAD, 2, 24, 32, 1, false",
        "WINOGRAD, 2, 24, 32, 1, true",
        "WINOGRAD, 3, 50, 37, 2, true",
        "WINOGRAD_NARROW, 2, 5, 3, 1, true",
        "WINOGRAD_NARROW, 2, 23, 9, 3, false",
        "WINOGRAD_NARROW, 2, 22, 31, 1, true"
    })
    void itIsAConvolution(WeightForm form, int n, int height, int width, int bands, boolean known)
            throws OrtException, IOException {
        float[] image = random(n * INPUTS * height * width);
        float[] weight = random(OUTPUTS * INPUTS * 9);
        float[] bias = random(OUTPUTS);
        Checkpoint checkpoint = Checkpoint.of(
                List.of(),
                Map.of("weight", tensor(weight, OUTPUTS, INPUTS, 3, 3), "bias", tensor(bias, OUTPUTS)),
                Map.of());

        Winograd winograd = Winograd.of(form).orElseThrow();
        int tiles = Math.ceilDiv(height, winograd.height()) * Math.ceilDiv(width, winograd.width());
        long points = (long) INPUTS * winograd.points() * tiles * Float.BYTES;
        OnnxGraph graph = new OnnxGraph("convolution", WeightFile.NONE);
        GraphWeights weights = new GraphWeights(checkpoint, graph, true);
        GraphValue input = graph.input(
                "image",
                ElementType.FLOAT,
                List.of("n", "" + INPUTS, Integer.toString(height), Integer.toString(width)));
        FastOps ops = new FastOps(graph, new Size(known ? n : Size.ANY, height, width), Math.ceilDiv(points, bands));
        GraphValue result =
                ops.add(ops.winograd(winograd, input, weights.get("weight")), ops.perChannel(weights.get("bias")));
        graph.output("result", result, List.of("n", "" + OUTPUTS, "height", "width"));

        FloatArray actual;
        try (NativeWeights loaded = new NativeWeights()) {
            loaded.load(checkpoint, graph.weights(), Progress.NONE);
            try (OnnxSession session = OnnxSession.open(graph, loaded, false)) {
                actual = session.run(Map.of("image", FloatArray.of(image, n, INPUTS, height, width)))
                        .get("result");
            }
        }

        FloatArray expected =
                FloatArray.of(convolved(image, weight, bias, n, height, width), n, OUTPUTS, height, width);
        assertThat(actual.shape()).isEqualTo(expected.shape());
        assertThat(relativeError(actual, expected)).isLessThan(1e-5);
    }

    private float[] random(int size) {
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static Tensor tensor(float[] values, long... shape) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Float.BYTES]);
        bytes.copyFrom(MemorySegment.ofArray(values));
        return Tensor.of(DType.F32, Shape.of(shape), bytes);
    }

    private static float[] convolved(float[] image, float[] weight, float[] bias, int n, int height, int width) {
        float[] result = new float[n * OUTPUTS * height * width];
        for (int i = 0; i < result.length; i++) {
            int x = i % width;
            int y = i / width % height;
            int output = i / width / height % OUTPUTS;
            int first = i / width / height / OUTPUTS * INPUTS;
            double sum = bias[output];
            for (int input = 0; input < INPUTS; input++) {
                for (int tap = 0; tap < 9; tap++) {
                    int row = y + tap / 3 - 1;
                    int column = x + tap % 3 - 1;
                    if (row >= 0 && row < height && column >= 0 && column < width) {
                        sum += (double) image[((first + input) * height + row) * width + column]
                                * weight[(output * INPUTS + input) * 9 + tap];
                    }
                }
            }
            result[i] = (float) sum;
        }
        return result;
    }
}
