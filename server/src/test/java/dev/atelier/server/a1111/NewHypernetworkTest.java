package dev.atelier.server.a1111;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.server.a1111.NewHypernetwork.Initialization;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NewHypernetworkTest {
    @TempDir
    Path folder;

    private Checkpoint made(Initialization initialization, boolean hasNorms) throws IOException {
        List<Double> structure = List.of(1.0, 2.0, 1.0);
        NewHypernetwork made = new NewHypernetwork(
                "a", List.of(128), structure, "linear", initialization, hasNorms, Collections.nCopies(3, 0.0));
        return Checkpoints.open(made.write(folder, true, new SplittableRandom(1)));
    }

    /** Deviations of PyTorch's initialisations of a layer from 128 to 256 numbers; those of uniform ones are bound / √3. */
    @ParameterizedTest
    @CsvSource({
        "NORMAL, 0.01, 0.055",
        "XAVIER_UNIFORM, 0.0722, 0.125",
        "XAVIER_NORMAL, 0.0722, 0.4",
        "KAIMING_UNIFORM, 0.125, 0.2166",
        "KAIMING_NORMAL, 0.125, 0.7"
    })
    void weightsAreSpreadAsPyTorchSpreadsThem(Initialization initialization, double deviation, double most)
            throws IOException {
        Checkpoint made = made(initialization, false);
        float[] weights = new float[128 * 256];
        made.tensor("128.k.linear.0.weight").read(0, weights, weights.length);
        double[] squares = IntStream.range(0, weights.length)
                .mapToDouble(i -> weights[i] * weights[i])
                .toArray();
        assertThat(Math.sqrt(Arrays.stream(squares).average().orElseThrow()))
                .isCloseTo(deviation, within(0.03 * deviation));
        assertThat(Math.sqrt(Arrays.stream(squares).max().orElseThrow())).isBetween(2 / 3.0 * most, most);
        float[] bias = new float[256];
        made.tensor("128.k.linear.0.bias").read(0, bias, bias.length);
        assertThat(bias).containsOnly(0);
        assertThat(made.tensors()).hasSize(8);
    }

    @Test
    void whatNoFileShouldHoldIsRefused() {
        assertThatThrownBy(() -> new NewHypernetwork(
                        "a",
                        List.of(1280),
                        List.of(1.0, 1e4, 1.0),
                        null,
                        Initialization.NORMAL,
                        false,
                        List.of(0.0, 0.0, 0.0)))
                .hasMessageContaining("1.28E7");
        assertThatThrownBy(() -> new NewHypernetwork(
                        "a", List.of(320), List.of(1.0, 1.0), "wavy", Initialization.NORMAL, false, List.of(0.0, 0.0)))
                .hasMessageContaining("wavy", "relu");
        assertThatThrownBy(() -> Initialization.named("Orthogonal")).hasMessageContaining("Orthogonal");
    }
}
