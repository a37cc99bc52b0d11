package dev.atelier.merge.rebasin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.Examples;
import dev.atelier.merge.InMemory;
import dev.atelier.merge.Tensors;
import dev.atelier.merge.rebasin.Symmetry.Neurons;
import dev.atelier.merge.rebasin.Symmetry.Place;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Worked examples in which PyTorch found the same outputs before and after neurons changed places; see MergeExamplesTest. */
class RebasinTest {
    private static final String ATTENTION = "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.";

    /** @param names of the example's tensors, each followed by the name that it gets */
    private static Checkpoint model(JsonNode tensors, Map<String, String> metadata, String... names) {
        Map<String, Tensor> named = new LinkedHashMap<>();
        for (int i = 0; i < names.length; i += 2) {
            named.put(names[i + 1], tensor(tensors.get(names[i])));
        }
        return Checkpoint.of(List.of(), named, metadata);
    }

    private static InMemory tensor(JsonNode rows) {
        boolean isMatrix = rows.get(0).isArray();
        double[] values = isMatrix
                ? rows.valueStream()
                        .flatMap(JsonNode::valueStream)
                        .mapToDouble(JsonNode::asDouble)
                        .toArray()
                : rows.valueStream().mapToDouble(JsonNode::asDouble).toArray();
        Shape shape = isMatrix ? Shape.of(rows.size(), rows.get(0).size()) : Shape.of(rows.size());
        return new InMemory(DType.F64, shape, values);
    }

    @Test
    void twoLayersComeIntoTheOrderThatOthersFound() {
        JsonNode example = Examples.named("git_rebasin-mlp");
        String[] names = {"l0.weight", "l0.weight", "l0.bias", "l0.bias", "l1.weight", "l1.weight", "l1.bias", "l1.bias"
        };
        Symmetry hidden = new Symmetry(
                1,
                List.of(new Neurons(
                        4,
                        List.of(
                                new Place("l0.weight", 0, 0),
                                new Place("l0.bias", 0, 0),
                                new Place("l1.weight", 1, 0)))));
        Rebasin actual = Rebasin.of(
                model(example.get("inputs").get("B"), Map.of(), names),
                model(example.get("inputs").get("A"), Map.of(), names),
                List.of(hidden),
                Progress.NONE);
        Tensors.assertSame(actual.checkpoint(), model(example.get("expected").get("B_permuted"), Map.of(), names));
        assertThat(actual.moved()).isEqualTo(4);
        assertThat(actual.neurons()).isEqualTo(4);
    }

    @Test
    void headsOfAttentionChangePlacesAsAWhole() {
        JsonNode example = Examples.named("rebasin-attention-symmetry");
        String[] names = {
            "q", ATTENTION + "q_proj.weight",
            "k", ATTENTION + "k_proj.weight",
            "v", ATTENTION + "v_proj.weight",
            "o", ATTENTION + "out_proj.weight"
        };
        Map<String, String> heads = Map.of("atelier.text_num_attention_heads", "2");
        Checkpoint moved = model(example.get("expected"), heads, names);
        Checkpoint before = model(example.get("inputs"), heads, names);
        Tensors.assertSame(Rebasin.of(before, moved, Progress.NONE).checkpoint(), moved);
        Tensors.assertSame(Rebasin.of(moved, before, Progress.NONE).checkpoint(), before);
    }

    @Test
    void gateAndValueOfGegluMoveTogether() {
        JsonNode example = Examples.named("rebasin-geglu-symmetry");
        String[] names = {"w1", "w1", "b1", "b1", "w2", "w2"};
        Symmetry hidden = new Symmetry(
                1,
                List.of(new Neurons(
                        4,
                        List.of(
                                new Place("w1", 0, 0),
                                new Place("b1", 0, 0),
                                new Place("w1", 0, 4),
                                new Place("b1", 0, 4),
                                new Place("w2", 1, 0)))));
        Checkpoint moved = model(example.get("expected"), Map.of(), names);
        Checkpoint before = model(example.get("inputs"), Map.of(), names);
        Tensors.assertSame(
                Rebasin.of(before, moved, List.of(hidden), Progress.NONE).checkpoint(), moved);
    }

    @Test
    void channelsStayInTheirGroup() {
        JsonNode example = Examples.named("rebasin-groupnorm-symmetry");
        String block = "model.diffusion_model.input_blocks.1.0.";
        String[] names = {
            "conv1", block + "in_layers.2.weight",
            "conv1_bias", block + "in_layers.2.bias",
            "norm_weight", block + "out_layers.0.weight",
            "norm_bias", block + "out_layers.0.bias",
            "conv2", block + "out_layers.3.weight"
        };
        Map<String, String> groups = Map.of("atelier.norm_num_groups", "2");
        Checkpoint before = model(example.get("inputs"), groups, names);
        Checkpoint legal = moved(before, order(example.get("params").get("legal_perm")));
        Tensors.assertSame(Rebasin.of(before, legal, Progress.NONE).checkpoint(), legal);
        Checkpoint illegal = moved(before, order(example.get("params").get("illegal_perm")));
        double[] bias =
                doubles(Rebasin.of(before, illegal, Progress.NONE).checkpoint().tensor(block + "in_layers.2.bias"));
        double[] own = doubles(before.tensor(block + "in_layers.2.bias"));
        assertThat(Arrays.copyOf(bias, 2))
                .satisfiesAnyOf(
                        pair -> assertThat(pair).containsExactlyInAnyOrder(own[0], own[1]),
                        pair -> assertThat(pair).containsExactlyInAnyOrder(own[2], own[3]));
    }

    private static int[] order(JsonNode order) {
        return order.valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    private static double[] doubles(Tensor tensor) {
        double[] values = new double[(int) tensor.shape().elements()];
        tensor.read(0, values, values.length);
        return values;
    }

    private static Checkpoint moved(Checkpoint model, int[] order) {
        int[] one = {0};
        int[] two = {0, 1};
        return model.map((name, tensor) -> name.endsWith("out_layers.3.weight")
                ? new PermutedTensor(tensor, two, order)
                : new PermutedTensor(tensor, order, tensor.shape().rank() == 2 ? two : one));
    }

    @Test
    void anAssignmentIsTheBestOfAll() {
        Random random = new Random(7);
        for (int round = 0; round < 50; round++) {
            float[][] scores = new float[6][6];
            for (int i = 0; i < 36; i++) {
                scores[i / 6][i % 6] = random.nextInt(10);
            }
            int[] best = Assignment.best(scores, 1, 1, 5);
            assertThat(best).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
            assertThat(sum(scores, best)).isEqualTo(bestOf(scores, new int[5], 0));
        }
    }

    private static float sum(float[][] scores, int[] order) {
        float sum = 0;
        for (int i = 0; i < order.length; i++) {
            sum += scores[i + 1][1 + order[i]];
        }
        return sum;
    }

    private static float bestOf(float[][] scores, int[] order, int given) {
        if (given == order.length) {
            return sum(scores, order);
        }
        float best = Float.NEGATIVE_INFINITY;
        for (int column = 0; column < order.length; column++) {
            int candidate = column;
            if (Arrays.stream(order, 0, given).noneMatch(taken -> taken == candidate)) {
                order[given] = column;
                best = Math.max(best, bestOf(scores, order, given + 1));
            }
        }
        return best;
    }
}
