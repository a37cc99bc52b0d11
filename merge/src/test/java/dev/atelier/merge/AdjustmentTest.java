package dev.atelier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What SuperMerger's Adjust makes of a model, see MergeExamplesTest. */
class AdjustmentTest {
    private static final String UNET = "model.diffusion_model.";

    private static final Map<String, String> NAMES = Map.of(
            "in.weight*", "input_blocks.0.0.weight",
            "in.bias*", "input_blocks.0.0.bias",
            "out0.weight*", "out.0.weight",
            "out0.bias*", "out.0.bias",
            "out2.weight*", "out.2.weight",
            "out2.bias+", "out.2.bias");

    private static Checkpoint ones(boolean isXl) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        NAMES.values().forEach(name -> tensors.put(UNET + name, InMemory.exact(1, 1, 1, 1)));
        tensors.put(UNET + "out.1.weight", InMemory.exact(1, 1, 1, 1));
        if (isXl) {
            tensors.put(UNET + "label_emb.0.0.weight", new InMemory(DType.F64, Shape.of(1, 1), 1));
        }
        return Checkpoint.of(List.of(), tensors, Map.of());
    }

    private static double[] values(Checkpoint model, String name) {
        double[] values = new double[4];
        model.tensor(UNET + name).read(0, values, 4);
        return values;
    }

    @ParameterizedTest
    @CsvSource({"adjust-supermerger, false", "adjust-supermerger-xl, true"})
    void itGivesTheNumbersOfItsExample(String id, boolean isXl) {
        JsonNode example = Examples.named(id);
        List<Double> spec = Stream.of(
                        example.get("params").get("spec").asString().split(","))
                .map(Double::valueOf)
                .toList();
        Checkpoint adjusted = Adjustment.of(ones(isXl), spec);
        example.get("expected").properties().forEach(expected -> {
            double[] actual = values(adjusted, NAMES.get(expected.getKey()));
            for (int i = 0; i < 4; i++) {
                double wanted = expected.getKey().endsWith("+")
                        ? 1 + expected.getValue().get(i).asDouble()
                        : expected.getValue().asDouble();
                assertThat(actual[i]).as(expected.getKey()).isCloseTo(wanted, within(1e-9));
            }
        });
        assertThat(values(adjusted, "out.1.weight")).containsOnly(1);
    }

    @Test
    void whatIsNotGivenChangesNothing() {
        Tensors.assertSame(Adjustment.of(ones(false), List.of()), ones(false));
    }

    @Test
    void moreThanEightNumbersAreRefused() {
        assertThatThrownBy(() -> Adjustment.of(ones(false), Collections.nCopies(9, 0.0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("up to 8 numbers");
    }
}
