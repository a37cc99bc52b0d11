package dev.atelier.engine.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.FloatArray;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/** A file of inputs and expected outputs, computed by the software named in the README beside it. */
record Reference(Checkpoint file) {
    static Reference open(String name) {
        try {
            return new Reference(
                    Checkpoints.open(Path.of(Objects.requireNonNull(Reference.class.getResource(name), name)
                            .toURI())));
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    FloatArray array(String tensor) {
        Tensor stored = file.tensor(tensor);
        int[] shape =
                Arrays.stream(stored.shape().sizes()).mapToInt(Math::toIntExact).toArray();
        float[] values = new float[Math.toIntExact(stored.shape().elements())];
        float[] block = new float[1024];
        for (int first = 0; first < values.length; first += block.length) {
            int count = Math.min(block.length, values.length - first);
            stored.read(first, block, count);
            System.arraycopy(block, 0, values, first, count);
        }
        return FloatArray.of(values, shape);
    }

    int[][] tokens(String tensor) {
        FloatArray ids = array(tensor);
        int[][] windows = new int[ids.size(0)][ids.size(1)];
        for (int row = 0; row < windows.length; row++) {
            for (int column = 0; column < windows[row].length; column++) {
                windows[row][column] = (int) ids.values()[row * windows[row].length + column];
            }
        }
        return windows;
    }

    /** ‖actual − expected‖ / ‖expected‖ */
    static double relativeError(FloatArray actual, FloatArray expected) {
        assertThat(actual.shape()).isEqualTo(expected.shape());
        double difference = 0;
        double size = 0;
        for (int i = 0; i < actual.values().length; i++) {
            difference += Math.pow((double) actual.values()[i] - expected.values()[i], 2);
            size += Math.pow(expected.values()[i], 2);
        }
        return Math.sqrt(difference / size);
    }
}
