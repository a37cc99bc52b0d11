package dev.atelier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * Worked examples of the public merge methods: numbers in, numbers out, most of them compared with the program that
 * made the method known. Each is held to its own tolerance, relative and absolute; inputs are fp64.
 */
class MergeExamplesTest {
    /** What is not held to its example here, by the method that the example names, and why. */
    private static final Map<String, String> ELSEWHERE = Map.ofEntries(
            Map.entry("position_ids", "integer tensors are never averaged, see MergeTest"),
            Map.entry("dare_supermario", "a defect: it keeps with the drop rate; not offered"),
            Map.entry("adjust", "an adjustment of one model, see AdjustmentTest"),
            Map.entry("git_rebasin", "an order of neurons, see RebasinTest"),
            Map.entry("permute_attention", "an order of neurons, see RebasinTest"),
            Map.entry("permute_geglu", "an order of neurons, see RebasinTest"),
            Map.entry("permute_resblock", "an order of neurons, see RebasinTest"),
            Map.entry("lora_bake", "LoRA is not part of the merge methods"),
            Map.entry("loha_delta", "LoRA is not part of the merge methods"),
            Map.entry("lokr_delta", "LoRA is not part of the merge methods"),
            Map.entry("dora_bake", "LoRA is not part of the merge methods"),
            Map.entry("ia3_delta", "LoRA is not part of the merge methods"),
            Map.entry("glora_delta", "LoRA is not part of the merge methods"),
            Map.entry("oft_bake", "LoRA is not part of the merge methods"),
            Map.entry("lora_merge", "LoRA is not part of the merge methods"),
            Map.entry("lora_extract_clamp", "LoRA is not part of the merge methods"),
            Map.entry("lora_extract", "LoRA is not part of the merge methods"),
            Map.entry("lora_resize_rank", "LoRA is not part of the merge methods"));

    private static final Map<String, String> ELSEWHERE_BY_ID =
            Map.of("breadcrumbs-small-tensor-bug", "a defect: it drops every element of a small tensor; not offered");

    private static final Map<String, String> PARTS = Map.of(
            "train_difference_mask", "train-difference",
            "add_opposite_mask", "add-opposite",
            "add_strict_opposite_mask", "add-strict-opposite",
            "della_keep_probability", "della",
            "truncate_kronecker", "truncate-kronecker");

    /** What the example at hand has used. */
    private static final ThreadLocal<Set<String>> APPLIED = ThreadLocal.withInitial(LinkedHashSet::new);

    static Stream<String> examples() {
        return Examples.all()
                .filter(example -> !ELSEWHERE.containsKey(example.get("method").asString())
                        && !ELSEWHERE_BY_ID.containsKey(example.get("id").asString()))
                .map(example -> example.get("id").asString());
    }

    @Test
    void whatIsExcusedIsAnExample() {
        assertThat(Examples.all().map(example -> example.get("method").asString()))
                .containsAll(ELSEWHERE.keySet());
        assertThat(Examples.all().map(example -> example.get("id").asString()))
                .hasSize(183)
                .containsAll(ELSEWHERE_BY_ID.keySet());
    }

    /** docs/merge-methods.md says of every method what it was checked against, on how many examples, and how closely. */
    @Test
    void theTableOfMethodsIsCompleteAndTrue() throws IOException {
        Map<String, List<Example>> examples = new LinkedHashMap<>();
        examples().forEach(id -> {
            Example example = new Example(Examples.named(id));
            example.methods()
                    .forEach(method -> examples.computeIfAbsent(method, _ -> new ArrayList<>())
                            .add(example));
        });
        List<String> rows = Files.readAllLines(Path.of("..", "docs", "merge-methods.md")).stream()
                .filter(line -> line.startsWith("| `"))
                .toList();
        assertThat(rows).hasSameSizeAs(MergeMethods.all());
        for (int i = 0; i < rows.size(); i++) {
            String method = MergeMethods.all().get(i).name();
            List<Example> own = examples.getOrDefault(method, List.of());
            double bound = own.stream().mapToDouble(Example::tolerance).max().orElse(Double.NaN);
            assertThat(rows.get(i)).startsWith("| `%s` | ".formatted(method));
            if (!own.isEmpty()) {
                assertThat(rows.get(i))
                        .endsWith(" | %d | %s |".formatted(own.size(), String.format(Locale.ROOT, "%.0e", bound)));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("examples")
    void aMethodGivesTheNumbersOfItsExample(String id) {
        Example example = new Example(Examples.named(id));
        double[] actual = example.actual();
        double[] expected = example.expected();
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            double tolerance = example.tolerance() * (1 + Math.abs(expected[i]));
            assertThat(actual[i] == expected[i] || Math.abs(actual[i] - expected[i]) <= tolerance)
                    .as("element %d: %s, expected %s", i, actual[i], expected[i])
                    .isTrue();
        }
    }

    private record Example(JsonNode node) {
        double tolerance() {
            return node.get("tolerance").asDouble();
        }

        String id() {
            return node.get("id").asString();
        }

        JsonNode parameter(String name) {
            return node.get("params").path(name);
        }

        String p(String name) {
            JsonNode value = parameter(name);
            return value.isArray()
                    ? String.join(
                            ",", value.valueStream().map(JsonNode::asString).toList())
                    : value.asString();
        }

        boolean variantContains(String part) {
            return parameter("variant").asString("").contains(part);
        }

        double[] expected() {
            JsonNode expected = node.get("expected");
            return switch (node.get("method").asString()) {
                case "cosine_a", "cosine_b" -> numbers(expected.isArray() ? expected : expected.get("result"));
                case "tensor_sum" -> expected.isArray() ? numbers(expected) : replacedColumns(expected);
                case "block_map_sd1", "block_map_sdxl" -> new double[expected.size()];
                case "weighted_sum_fp16", "add_difference_fp16" -> numbers(expected, DType.F16);
                case "weighted_sum_bf16" -> numbers(expected, DType.BF16);
                default -> numbers(expected);
            };
        }

        /** {@code a} with these columns of {@code b}, which is 1000 larger. */
        private static double[] replacedColumns(JsonNode expected) {
            int from = expected.get("replaced_columns").get(0).asInt();
            int to = expected.get("replaced_columns").get(1).asInt();
            return IntStream.range(0, 202)
                    .mapToDouble(i -> from <= i % 101 && i % 101 < to ? i + 1000 : i)
                    .toArray();
        }

        double[] actual() {
            return switch (node.get("method").asString()) {
                case "weighted_sum" ->
                    id().equals("inpaint-weighted_sum") ? inpainting() : run("weighted-sum", alpha(), ab());
                case "lerp" -> run("weighted-sum", Map.of("alpha", p("weight")), ab());
                case "add_difference" ->
                    run(
                            "add-difference",
                            variantContains("diffusers")
                                    ? Map.of("alpha", "0.3") // the example's 0.7 is the share of A there
                                    : parameter("clamp_to_ab").asBoolean(false)
                                            ? Map.of("alpha", p("alpha"), "clamp", "true")
                                            : alpha(),
                            abc());
                case "sum_twice" -> run("sum-twice", alphaBeta(), abc());
                case "triple_sum" -> run("triple-sum", alphaBeta(), abc());
                case "smoothstep_sum" -> run("smoothstep-sum", alpha(), ab());
                case "inverse_smoothstep_sum" -> run("inverse-smoothstep-sum", alpha(), ab());
                case "train_difference" -> run("train-difference", alpha(), abc());
                case "train_difference_mask" -> mask(Differences::trainMask);
                case "add_opposite_mask" -> mask(Differences::oppositeMask);
                case "add_strict_opposite_mask" -> mask(Differences::strictOppositeMask);
                case "smooth_add" -> run("smooth-add", alpha(), abc());
                case "geometric_sum" -> run("geometric-sum", alpha(), ab());
                case "perpendicular_component" -> run("perpendicular", Map.of(), ab());
                case "add_perpendicular" -> run("add-perpendicular", alpha(), abc());
                case "euclidean_add_difference" -> run("euclidean-add-difference", alpha(), abc());
                case "multiply_difference" -> run("multiply-difference", alphaBeta(), abc());
                case "similarity_add_difference" -> run("similarity-add-difference", alphaBeta(), abc());
                case "weighted_subtraction" -> run("weighted-subtraction", alphaBeta(), ab());
                case "multiply_quotient" -> run("multiply-quotient", alpha(), abc());
                case "clamp" ->
                    run("clamp", Map.of("stiffness", p("stiffness")), joined(List.of(input("a")), each("bounds")));
                case "slerp" ->
                    variantContains("mergekit")
                            ? run("slerp", Map.of("t", p("t"), "variant", "mergekit"), ab())
                            : run("slerp", Map.of("t", p("alpha")), ab());
                case "nuslerp" ->
                    run(
                            "nuslerp",
                            Map.of("t", p("t"), "vectors", parameter("flatten").asBoolean() ? "tensor" : "last-axis"),
                            ab());
                case "multislerp" ->
                    node.get("inputs").has("base")
                            ? run(
                                    "multislerp",
                                    Map.of("weights", p("weight"), "base", "true"),
                                    joined(List.of(input("base")), each("tensors")))
                            : run("multislerp", Map.of("weights", p("weight")), each("tensors"));
                case "karcher" ->
                    run("karcher", Map.of("tolerance", p("tol"), "iterations", p("max_iter")), each("tensors"));
                case "cosine_a" ->
                    variantContains("mecha") ? run("cosine-a", alpha(), ab()) : wholeModel("cosine-a-supermerger");
                case "cosine_b" ->
                    variantContains("mecha") ? run("cosine-b", alpha(), ab()) : wholeModel("cosine-b-supermerger");
                case "tensor_sum" ->
                    id().equals("tensor2-second-axis")
                            ? run(
                                    "tensor-region",
                                    Map.of("width", p("alpha"), "offset", p("beta"), "axis", "1"),
                                    counting())
                            : run("tensor-region", Map.of("width", p("alpha"), "offset", p("beta")), ab());
                case "copy_region" ->
                    run("tensor-region", Map.of("width", p("width"), "offset", p("offset"), "variant", "mecha"), ab());
                case "top_k_tensor_sum" ->
                    variantContains("mecha")
                            ? run(
                                    "top-k-region",
                                    Map.of("width", p("width"), "offset", p("offset"), "variant", "mecha"),
                                    ab())
                            : run("top-k-region", Map.of("width", p("alpha"), "offset", p("beta")), ab());
                case "crossover" -> run("crossover", Map.of("alpha", p("alpha"), "tilt", p("tilt")), ab());
                case "distribution_crossover" -> run("distribution-crossover", alphaBeta(), abc());
                case "rotate" -> {
                    Map<String, String> settings = new LinkedHashMap<>();
                    settings.put("alignment", p("alignment"));
                    settings.put("alpha", p("alpha"));
                    if (!parameter("centralization").isMissingNode()) {
                        settings.put("centralization", p("centralization"));
                    }
                    yield run("rotate", settings, ab());
                }
                case "truncate_rank" ->
                    run("truncate-rank", Map.of("rank", p("rank")), onZeros(List.of(input("delta"))));
                case "truncate_kronecker" -> {
                    long[] shape = node.get("inputs")
                            .get("shape")
                            .valueStream()
                            .mapToLong(JsonNode::asLong)
                            .toArray();
                    yield Kronecker.factors(
                                    Shape.of(shape),
                                    parameter("kronecker_ratio").asDouble())
                            .stream()
                            .mapToDouble(Long::doubleValue)
                            .toArray();
                }
                case "task_arithmetic" ->
                    run(
                            "task-arithmetic",
                            Map.of("weights", p("weights"), "lambda", p("lambda"), "normalize", p("normalize")),
                            baseAndModels());
                case "ties" -> ties();
                case "top_k_prune" ->
                    run("prune-top-k", Map.of("density", p("k"), "trim", "mecha"), onZeros(List.of(input("delta"))));
                case "ties_extended" ->
                    run(
                            "ties",
                            Map.of("density", p("k"), "vote", "signs", "tie", "zero", "trim", "mecha", "stock", "true"),
                            onZeros(each("deltas")));
                case "breadcrumbs" ->
                    run(
                            "breadcrumbs",
                            Map.of("density", p("density"), "gamma", p("gamma"), "weights", p("weights")),
                            baseAndModels());
                case "breadcrumbs_mask" ->
                    // no difference is 0 here, so that what is 0 has been dropped
                    DoubleStream.of(run(
                                    "breadcrumbs",
                                    Map.of("density", p("density"), "gamma", p("gamma")),
                                    onZeros(List.of(input("delta")))))
                            .map(value -> value == 0 ? 0 : 1)
                            .toArray();
                case "dare_linear" ->
                    run(
                            "dare",
                            Map.of(
                                    "weights", p("weights"),
                                    "density", "0.5",
                                    "seed", "42", // the masks of the paper's example, too, come from mergekit's run
                                    "random", "torch",
                                    "rescale", variantContains("mergekit") ? "l1" : "density"),
                            baseAndModels());
                case "dare_ties" ->
                    run(
                            "dare",
                            Map.of(
                                    "weights",
                                    p("weights"),
                                    "density",
                                    p("density"),
                                    "seed",
                                    p("seed"),
                                    "random",
                                    "torch",
                                    "rescale",
                                    "l1",
                                    "consensus",
                                    "sum"),
                            baseAndModels());
                case "dare_mask" ->
                    run(
                            "dare",
                            Map.of("density", "0.7", "seed", p("seed"), "random", "torch-drop"),
                            onZeros(List.of(input("delta"))));
                case "ties_with_dare" ->
                    run(
                            "dare",
                            Map.of(
                                    "density", "0.6",
                                    "seed", p("seed"),
                                    "random", p("dtype").equals("float64") ? "torch-double" : "torch",
                                    "consensus", "sum",
                                    "normalize", "true"),
                            onZeros(each("deltas")));
                case "della_keep_probability" -> {
                    Operands in = new Operands("", onZeros(List.of(input("delta"))));
                    RandomStream.Chance keep = variantContains("mergekit")
                            ? Della.rowProbabilities(in, 0.6, 0.15)
                            : Della.tensorProbabilities(in, 0.6, 0.2);
                    yield LongStream.range(0, in.elements())
                            .mapToDouble(index -> keep.of(0, index))
                            .toArray();
                }
                case "della_mask" ->
                    DoubleStream.of(run(
                                    "della",
                                    Map.of(
                                            "density", "0.6",
                                            "epsilon", p("della_eps"),
                                            "ranks", "tensor",
                                            "seed", p("seed"),
                                            "random", "torch-double"),
                                    onZeros(List.of(input("delta")))))
                            .map(value -> value == 0 ? 0 : 1)
                            .toArray();
                case "della_prune" ->
                    run(
                            "della",
                            Map.of(
                                    "density",
                                    p("density"),
                                    "epsilon",
                                    p("epsilon"),
                                    "seed",
                                    "11", // the paper's example has mergekit's mask
                                    "random",
                                    "torch",
                                    "rescale",
                                    variantContains("della") ? "own" : "l1"),
                            onZeros(List.of(input("delta"))));
                case "model_stock" ->
                    variantContains("mecha")
                            ? run(
                                    "model-stock",
                                    Map.of("rows", "true", "pairs", "consecutive", "clip", "false"),
                                    onZeros(each("deltas")))
                            : run("model-stock", Map.of("rows", p("filter_wise"), "clip", "false"), baseAndModels());
                case "geometric_median" ->
                    run("geometric-median", Map.of("epsilon", p("eps"), "iterations", p("maxiter")), each("models"));
                case "n_average" -> run("average", Map.of(), each("models"));
                case "linear" ->
                    run("linear", Map.of("weights", p("weights"), "normalize", p("normalize")), each("models"));
                case "median" -> run("median", Map.of(), each("models"));
                case "fisher" ->
                    run(
                            "fisher",
                            Map.of(
                                    "weights", p("coefficients"),
                                    "floor", p("floor"),
                                    "normalize", p("normalize"),
                                    "favor-first", p("favor_target")),
                            joined(each("models"), each("fishers")));
                case "nearswap" -> run("nearswap", Map.of("t", p("t")), ab());
                case "sce" -> run("sce", Map.of("select-top-k", p("select_topk")), baseAndModels());
                case "ram" -> run("ram", Map.of("epsilon", p("epsilon")), baseAndModels());
                case "arcee_fusion" -> run("arcee-fusion", Map.of(), List.of(input("base"), input("model")));
                case "extract" ->
                    run(
                            "extract",
                            Map.of("alpha", p("alpha"), "beta", p("beta"), "gamma", p("gamma")),
                            List.of(input("base"), input("a"), input("b")));
                case "sigmoid_sum" -> run("sigmoid-sum", alpha(), ab());
                case "max" -> run("max", Map.of(), ab());
                case "dropout" ->
                    run(
                            "dropout",
                            Map.of(
                                    "probability", p("probability"),
                                    "rescale", p("rescale"),
                                    "seed", p("seed"),
                                    "random", "numpy"),
                            onZeros(each("deltas")));
                case "weighted_sum_fp16", "weighted_sum_bf16", "add_difference_fp16" -> halves();
                case "block_map_sd1" -> blocks(p("convention").startsWith("sd-mecha") ? Blocks.SD_MECHA : Blocks.SD);
                case "block_map_sdxl" ->
                    blocks(p("convention").startsWith("sd-mecha") ? Blocks.SDXL_MECHA : Blocks.SDXL);
                case "mbw_convert" -> {
                    List<Double> weights = new ArrayList<>(List.of(0.0)); // BASE, which the example leaves out
                    DoubleStream.of(numbers(node.get("inputs").get("weights25")))
                            .forEach(weights::add);
                    yield BlockWeights.forXl(weights).stream()
                            .skip(1)
                            .mapToDouble(Double::doubleValue)
                            .toArray();
                }
                case "mbw_presets" ->
                    node.get("expected")
                            .propertyStream()
                            .flatMapToDouble(preset -> BlockPresets.weights(preset.getKey()).stream()
                                    .mapToDouble(Double::doubleValue))
                            .toArray();
                case "elemental" -> {
                    ElementRules rules = ElementRules.parse(p("spec"), Blocks.SD);
                    yield node.get("inputs")
                            .get("keys")
                            .valueStream()
                            .mapToDouble(key -> rules.of(key.asString())
                                    .orElse(parameter("block_alpha").asDouble()))
                            .toArray();
                }
                case "rng_torch_cpu" -> torchNumbers();
                case "rng_numpy_default_rng" -> numpyNumbers();
                case String unknown -> fail("no method stands for " + unknown);
            };
        }

        /** 0 where a tensor is in the block that the example says; SuperMerger's fine names come first there. */
        private double[] blocks(Blocks blocks) {
            List<String> keys = node.get("inputs")
                    .get("keys")
                    .valueStream()
                    .map(JsonNode::asString)
                    .toList();
            return IntStream.range(0, keys.size())
                    .mapToDouble(i -> {
                        JsonNode expected = node.get("expected").get(i);
                        String block = expected.isArray() ? expected.get(1).asString() : expected.asString();
                        return blocks.of(keys.get(i)).equals(block) ? 0 : 1;
                    })
                    .toArray();
        }

        private double[] ties() {
            if (variantContains("mergekit")) {
                return run(
                        "ties",
                        Map.of(
                                "weights", p("weights"),
                                "density", p("density"),
                                "lambda", p("lambda"),
                                "normalize", p("normalize"),
                                "trim", "mergekit",
                                "tie", "plus"),
                        baseAndModels());
            }
            if (variantContains("prateeky2806")) {
                return run("ties", Map.of("density", p("K")), onZeros(each("flat_deltas")));
            }
            return run(
                    "ties",
                    Map.of(
                            "density",
                            p("k"),
                            "vote",
                            parameter("vote_sgn").asBoolean() ? "values" : "signs",
                            "trim",
                            "mecha",
                            "tie",
                            "zero"),
                    onZeros(each("deltas")));
        }

        private double[] mask(Mask mask) {
            double alpha = parameter("alpha").asDouble();
            double[] a = numbers(node.get("inputs").get("a"));
            double[] b = numbers(node.get("inputs").get("b"));
            double[] c = numbers(node.get("inputs").get("c"));
            return IntStream.range(0, a.length)
                    .mapToDouble(i -> alpha * mask.of(a[i], b[i], c[i]))
                    .toArray();
        }

        private double[] wholeModel(String method) {
            List<Operands> all = new ArrayList<>();
            node.get("inputs")
                    .get("A")
                    .propertyStream()
                    .forEach(tensor -> all.add(new Operands(
                            tensor.getKey(),
                            List.of(
                                    tensor(tensor.getValue()),
                                    tensor(node.get("inputs").get("B").get(tensor.getKey()))))));
            APPLIED.get().add(method);
            MergeMethod chosen = MergeMethods.named(method);
            MergeMethod.Formula formula = chosen.over(all);
            return all.stream()
                    .flatMapToDouble(in -> DoubleStream.of(values(formula.of(in, chosen.settings(alpha())))))
                    .toArray();
        }

        private double[] inpainting() {
            String name = "model.diffusion_model.input_blocks.0.0.weight";
            MergeMethod method = MergeMethods.named("weighted-sum");
            Checkpoint a = Checkpoint.of(List.of(), Map.of(name, input("a")), Map.of());
            Checkpoint b = Checkpoint.of(List.of(), Map.of(name, input("b")), Map.of());
            return values(Merge.with(method, method.settings(alpha()), List.of(a, b), Multipliers.NONE, _ -> true)
                    .tensor(name));
        }

        /** Examples in bits: what A1111 computes, or fp32 arithmetic rounded once. */
        private double[] halves() {
            DType type = node.get("method").asString().endsWith("bf16") ? DType.BF16 : DType.F16;
            boolean ofTheWebUi = p("arithmetic").startsWith("A1111");
            boolean difference = node.get("method").asString().startsWith("add_difference");
            List<Tensor> operands = Stream.of("a", "b", "c")
                    .filter(name -> node.get("inputs").has(name))
                    .<Tensor>map(name -> {
                        double[] values = numbers(node.get("inputs").get(name), type);
                        return new InMemory(type, Shape.of(values.length), values);
                    })
                    .toList();
            if (!ofTheWebUi) {
                return values(apply(difference ? "add-difference" : "weighted-sum", alpha(), operands));
            }
            double m = parameter("multiplier").asDouble();
            String name = "model.weight";
            List<Checkpoint> models = operands.stream()
                    .map(tensor -> Checkpoint.of(List.of(), Map.of(name, tensor), Map.of()))
                    .toList();
            Checkpoint merged = difference
                    ? Merge.addDifference(models.get(0), models.get(1), models.get(2), m)
                    : Merge.weightedSum(models.get(0), models.get(1), m);
            return values(merged.tensor(name));
        }

        private double[] torchNumbers() {
            long seed = id().equals("rng-default-seed")
                    ? 67280421310721L
                    : parameter("seed").asLong();
            if (id().equals("rng-mt19937")) {
                TorchRandom words = new TorchRandom(seed);
                TorchRandom singles = new TorchRandom(seed);
                TorchRandom doubles = new TorchRandom(seed);
                return DoubleStream.concat(
                                IntStream.range(0, 6).mapToDouble(_ -> Integer.toUnsignedLong(words.word())),
                                DoubleStream.concat(
                                        IntStream.range(0, 6).mapToDouble(_ -> singles.single()),
                                        IntStream.range(0, 4).mapToDouble(_ -> doubles.twofold())))
                        .toArray();
            }
            RandomStream stream = id().equals("rng-bernoulli-f64") ? RandomStream.TORCH_DOUBLE : RandomStream.TORCH;
            double p = parameter("p").asDouble(0.5);
            Operands in = new Operands("", List.of(InMemory.exact(new double[24])));
            RandomStream.Mask mask = stream.mask(seed, in, 1, (_, _) -> p);
            return IntStream.range(0, 24)
                    .mapToDouble(i -> mask.keeps(0, i) ? 1 : 0)
                    .toArray();
        }

        private double[] numpyNumbers() {
            NumpyRandom random = new NumpyRandom(parameter("seed").asLong());
            int count = node.get("expected").size();
            return IntStream.range(0, count)
                    .mapToDouble(_ -> id().equals("rng-pcg64")
                            ? random.uniform()
                            : random.trial(parameter("p").asDouble()) ? 1 : 0)
                    .toArray();
        }

        private Map<String, String> alpha() {
            return Map.of("alpha", p("alpha"));
        }

        private Map<String, String> alphaBeta() {
            return Map.of("alpha", p("alpha"), "beta", p("beta"));
        }

        private List<Tensor> ab() {
            return List.of(input("a"), input("b"));
        }

        private List<Tensor> abc() {
            return List.of(input("a"), input("b"), input("c"));
        }

        private List<Tensor> baseAndModels() {
            return joined(List.of(input("base")), each("models"));
        }

        /** Examples that start from differences: with 0 as the base, models are differences. */
        private static List<Tensor> onZeros(List<Tensor> deltas) {
            Shape shape = deltas.getFirst().shape();
            return joined(List.of(new InMemory(DType.F64, shape, new double[(int) shape.elements()])), deltas);
        }

        private static List<Tensor> counting() {
            double[] a = IntStream.range(0, 202).mapToDouble(i -> i).toArray();
            double[] b = IntStream.range(0, 202).mapToDouble(i -> i + 1000).toArray();
            return List.of(new InMemory(DType.F64, Shape.of(2, 101), a), new InMemory(DType.F64, Shape.of(2, 101), b));
        }

        private Tensor input(String name) {
            return tensor(node.get("inputs").get(name));
        }

        private List<Tensor> each(String name) {
            return node.get("inputs")
                    .get(name)
                    .valueStream()
                    .map(Example::tensor)
                    .toList();
        }

        private static List<Tensor> joined(List<Tensor> first, List<Tensor> second) {
            return Stream.concat(first.stream(), second.stream()).toList();
        }

        private static double[] run(String method, Map<String, String> settings, List<Tensor> inputs) {
            return values(apply(method, settings, inputs));
        }

        /** The methods that the example is computed with; of one that holds a part of a method's formula, that method. */
        private List<String> methods() {
            APPLIED.get().clear();
            actual();
            String part = PARTS.get(node.get("method").asString());
            return part == null ? List.copyOf(APPLIED.get()) : List.of(part);
        }

        private static Tensor apply(String name, Map<String, String> settings, List<Tensor> inputs) {
            APPLIED.get().add(name);
            MergeMethod method = MergeMethods.named(name);
            method.requireModels(inputs.size());
            Operands in = new Operands("model.weight", inputs);
            return method.over(List.of(in)).of(in, method.settings(settings));
        }

        private static double[] values(Tensor tensor) {
            double[] values = new double[(int) tensor.shape().elements()];
            tensor.read(0, values, values.length);
            return values;
        }

        private static Tensor tensor(JsonNode nested) {
            List<Long> sizes = new ArrayList<>();
            for (JsonNode level = nested; level.isArray(); level = level.get(0)) {
                sizes.add((long) level.size());
            }
            Shape shape = Shape.of(sizes.stream().mapToLong(Long::longValue).toArray());
            return new InMemory(DType.F64, shape, numbers(nested));
        }

        /** From bit patterns in hexadecimal. */
        private static double[] numbers(JsonNode patterns, DType type) {
            return patterns.valueStream()
                    .mapToInt(pattern -> Integer.parseInt(pattern.asString(), 16))
                    .mapToDouble(bits ->
                            type == DType.F16 ? Float.float16ToFloat((short) bits) : Float.intBitsToFloat(bits << 16))
                    .toArray();
        }

        private static double[] numbers(JsonNode nested) {
            if (nested.isArray() || nested.isObject()) {
                return nested.valueStream()
                        .flatMapToDouble(inner -> DoubleStream.of(numbers(inner)))
                        .toArray();
            }
            return new double[] {nested.asDouble()};
        }
    }

    @FunctionalInterface
    private interface Mask {
        double of(double a, double b, double c);
    }
}
