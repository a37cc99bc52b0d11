package dev.atelier.merge.rebasin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.Examples;
import dev.atelier.merge.InMemory;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Against SciPy's matrix functions: see make_balance_reference.py. */
class AttentionBalanceTest {
    private static final String LAYER = "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.";

    private static JsonNode example() throws IOException {
        try (InputStream json = Examples.class.getResourceAsStream("balance-attention.json")) {
            return new ObjectMapper().readTree(json);
        }
    }

    private static Checkpoint balanced(JsonNode inputs) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        inputs.forEachEntry((name, rows) -> {
            double[] values = numbers(rows);
            Shape shape =
                    rows.get(0).isArray() ? Shape.of(rows.size(), rows.get(0).size()) : Shape.of(rows.size());
            tensors.put(LAYER + name, new InMemory(DType.F64, shape, values));
        });
        return AttentionBalance.of(Checkpoint.of(List.of(), tensors, Map.of("atelier.text_num_attention_heads", "2")));
    }

    private static double[] numbers(JsonNode rows) {
        return rows.valueStream()
                .flatMap(row -> row.isArray() ? row.valueStream() : List.of(row).stream())
                .mapToDouble(JsonNode::asDouble)
                .toArray();
    }

    private static double[] numbers(Checkpoint model, String name) {
        Tensor tensor = model.tensor(LAYER + name);
        double[] values = new double[(int) tensor.shape().elements()];
        tensor.read(0, values, values.length);
        return values;
    }

    @Test
    void weightsAreThoseOfSciPy() throws IOException {
        Checkpoint actual = balanced(example().get("inputs"));
        example().get("expected").forEachEntry((name, rows) -> {
            double[] wanted = numbers(rows);
            double[] given = numbers(actual, name);
            for (int i = 0; i < wanted.length; i++) {
                assertThat(given[i]).as(name).isCloseTo(wanted[i], within(1e-6 * (1 + Math.abs(wanted[i]))));
            }
        });
    }

    @Test
    void queriesAreAsStrongAsKeysInEveryDirection() throws IOException {
        Checkpoint model = balanced(example().get("inputs"));
        for (int head = 0; head < 2; head++) {
            for (int i = 3 * head; i < 3 * head + 3; i++) {
                for (int j = 3 * head; j < 3 * head + 3; j++) {
                    assertThat(energy(model, "q_proj", i, j)).isCloseTo(energy(model, "k_proj", i, j), within(1e-4));
                }
            }
        }
    }

    private static double energy(Checkpoint model, String layer, int i, int j) {
        double[] weights = numbers(model, layer + ".weight");
        double[] bias = numbers(model, layer + ".bias");
        double sum = bias[i] * bias[j];
        for (int k = 0; k < 6; k++) {
            sum += weights[6 * i + k] * weights[6 * j + k];
        }
        return sum;
    }
}
