package dev.atelier.engine.onnx;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.torch.TorchModel;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetConditioning;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Both engines on the same random inputs, also of sizes that no recording has. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EnginesAgreeTest {
    private static final double TOLERANCE = 1e-4;

    private DiffusionModel onnx;
    private DiffusionModel torch;

    @BeforeAll
    void load(@TempDir Path folder) {
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        onnx = OnnxModel.load(model, Progress.NONE);
        torch = TorchModel.load(model, Progress.NONE);
    }

    @AfterAll
    void close() {
        onnx.close();
        torch.close();
    }

    @Test
    void onText() {
        Random random = new Random(1);
        int[][] tokens = IntStream.range(0, 3)
                .mapToObj(_ -> random.ints(77, 0, 49408).toArray())
                .toArray(int[][]::new);
        assertThat(relativeError(
                        onnx.encodeText(tokens).context(),
                        torch.encodeText(tokens).context()))
                .isLessThan(TOLERANCE);
    }

    @ParameterizedTest(name = "{0} latents of {1} × {2}, {3} tokens")
    @CsvSource({"1, 8, 8, 77", "3, 16, 8, 77", "2, 40, 24, 231"})
    void onNoise(int n, int height, int width, int tokens) {
        FloatArray latents = random(n, 4, height, width);
        UNetConditioning context = UNetConditioning.of(random(n, tokens, 16));
        float[] timesteps = {999, 0, 41.5f};
        float[] used = Arrays.copyOf(timesteps, n);
        assertThat(relativeError(onnx.predictNoise(latents, used, context), torch.predictNoise(latents, used, context)))
                .isLessThan(TOLERANCE);
    }

    @ParameterizedTest(name = "{0} latents of {1} × {2}")
    @CsvSource({"1, 1, 1", "2, 5, 3", "1, 16, 24"})
    void onPictures(int n, int height, int width) {
        FloatArray latents = random(n, 4, height, width);
        assertThat(relativeError(onnx.decode(latents), torch.decode(latents))).isLessThan(TOLERANCE);
    }

    private static FloatArray random(int... shape) {
        Random random = new Random(2);
        float[] values = new float[IntStream.of(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return FloatArray.of(values, shape);
    }
}
