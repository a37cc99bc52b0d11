package dev.atelier.merge.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.InMemory;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ModelNames;
import java.lang.foreign.MemorySegment;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Extracting, merging, resizing and renaming of LoRAs, against kohya's scripts and diffusers. */
class LoraToolsTest {
    private static final String UNET = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";

    private static Path path(String name) {
        try {
            return Path.of(
                    LoraToolsTest.class.getResource(name + ".safetensors").toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static Checkpoint file(String name) {
        return Checkpoints.open(path(name));
    }

    private static Lora lora(String name) {
        return Lora.open(path(name));
    }

    private static Lora lora(Map<String, Tensor> tensors) {
        return Lora.of(Checkpoint.of(List.of(Path.of("lora.safetensors")), tensors, Map.of()));
    }

    private static Tensor numbers(Shape shape, double... values) {
        return new InMemory(DType.F64, shape, values);
    }

    /** What a LoRA adds to each layer at strength 1, by kohya's name of the layer. */
    private static Map<String, double[]> products(Checkpoint lora) {
        Map<String, double[]> products = new LinkedHashMap<>();
        for (LoraModule module : Lora.of(lora).modules()) {
            LayerProduct product = LayerProduct.of(module);
            DMatrixRMaj whole = CommonOps_DDRM.mult(
                    product.factors().up(), product.factors().down(), null);
            CommonOps_DDRM.scale(product.scale(), whole);
            products.put(module.anyName().replaceAll("\\.(lora.*|alpha)", ""), whole.data);
        }
        return products;
    }

    private static void assertSameAsKohya(Checkpoint actual, String expected) {
        Checkpoint kohya = file(expected);
        Map<String, double[]> products = products(actual);
        assertThat(products.keySet().stream().map(name -> name + ".product"))
                .containsExactlyInAnyOrderElementsOf(kohya.tensors().keySet().stream()
                        .filter(name -> name.endsWith(".product"))
                        .toList());
        products.forEach((name, product) -> {
            assertThat(actual.tensor(name + ".lora_down.weight").shape().size(0))
                    .as(name)
                    .isEqualTo((long) Delta.load(kohya.tensor(name + ".rank"))[0]);
            assertThat(Delta.load(actual.tensor(name + ".alpha")))
                    .as(name)
                    .containsExactly(Delta.load(kohya.tensor(name + ".alpha")), within(1e-5));
            assertThat(product).as(name).containsExactly(Delta.load(kohya.tensor(name + ".product")), within(2e-6));
        });
    }

    @ParameterizedTest
    @CsvSource({
        "resized-fixed, 3, FIXED, 0",
        "resized-sv-ratio, 8, SV_RATIO, 4",
        "resized-sv-fro, 8, SV_FRO, 0.9",
        "resized-sv-cumulative, 8, SV_CUMULATIVE, 0.8"
    })
    void resizesAsKohyaDoes(String expected, int rank, Ranks.Rule rule, double share) {
        Checkpoint resized = LoraResize.of(lora("first"), new Ranks(rank, 2, rule, share), Progress.NONE);
        assertSameAsKohya(resized, expected);
    }

    @Test
    void mergesAsKohyaDoes() {
        Checkpoint merged = LoraMerge.of(
                List.of(
                        new LoraMerge.Weighted(lora("first"), 0.7, 0.7),
                        new LoraMerge.Weighted(lora("second"), -0.4, -0.4)),
                Optional.of(Ranks.of(3, 2)),
                Progress.NONE);
        assertSameAsKohya(merged, "merged-rank-3");
    }

    @Test
    void extractsAsKohyaDoes() {
        Checkpoint extracted =
                LoraExtraction.of(file("tuned"), file("base"), Ranks.of(4, 2), true, DType.F32, Progress.NONE);
        assertSameAsKohya(extracted, "extracted");
        assertThat(extracted.metadata()).containsEntry("ss_network_dim", "4");
    }

    @Test
    void addedToTheBaseAnExtractedLoraOfFullRankGivesTheTunedModel() {
        Checkpoint base = file("base");
        Checkpoint tuned = file("tuned");
        Checkpoint lora = LoraExtraction.of(tuned, base, Ranks.of(100, 100), true, DType.F32, Progress.NONE);
        Checkpoint baked = Lora.of(lora).bake(base, 1, 1);
        baked.tensors()
                .forEach((name, tensor) -> assertThat(Delta.load(tensor))
                        .as(name)
                        .containsExactly(Delta.load(tuned.tensor(name)), within(1e-6)));
    }

    @Test
    void onlyWhatDiffersIsExtracted() {
        Checkpoint base = file("base");
        Checkpoint tuned = base.map(
                (name, tensor) -> name.contains("attn1.to_q") ? file("tuned").tensor(name) : tensor);
        assertThat(LoraExtraction.of(tuned, base, Ranks.of(4, 4), true, DType.F16, Progress.NONE)
                        .tensors()
                        .keySet())
                .containsExactly(UNET + ".lora_up.weight", UNET + ".lora_down.weight", UNET + ".alpha");
        assertThatThrownBy(() -> LoraExtraction.of(base, base, Ranks.of(4, 4), true, DType.F16, Progress.NONE))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("none differs");
        assertThat(LoraExtraction.of(file("tuned"), base, Ranks.of(4, 0), false, DType.F16, Progress.NONE)
                        .tensors()
                        .keySet())
                .isNotEmpty()
                .noneMatch(name -> name.contains("resnets") || name.startsWith("lora_te"));
    }

    @Test
    void extractionStopsWhenItsListenerSaysSo() {
        assertThatThrownBy(() -> LoraExtraction.of(
                        file("tuned"), file("base"), Ranks.of(4, 4), true, DType.F16, (done, total) -> {
                            throw new CancellationException("enough");
                        }))
                .isInstanceOf(CancellationException.class);
    }

    @Test
    void mergedWithoutARankTheSumIsExact() {
        Map<String, double[]> first = products(file("first"));
        Map<String, double[]> second = products(file("second"));
        Checkpoint merged = LoraMerge.of(
                List.of(new LoraMerge.Weighted(lora("first"), 0.5, 2), new LoraMerge.Weighted(lora("second"), -1.5, 0)),
                Optional.empty(),
                Progress.NONE);
        assertThat(merged.tensor(UNET + ".lora_down.weight").shape()).isEqualTo(Shape.of(12, 12));
        products(merged).forEach((name, sum) -> {
            boolean isText = name.startsWith("lora_te");
            double[] expected = IntStream.range(0, sum.length)
                    .mapToDouble(
                            i -> isText ? 2 * first.get(name)[i] : 0.5 * first.get(name)[i] - 1.5 * second.get(name)[i])
                    .toArray();
            assertThat(sum).as(name).containsExactly(expected, within(1e-6));
        });
    }

    /**
     * Against {@link Delta}, which is held to LyCORIS: what a LoHa and a LoKr, with a LoRA of the same layer, add to a weight is what
     * their sum adds, and a resized one of full rank what it was.
     */
    @ParameterizedTest
    @CsvSource({
        "to_q, 6x8, hada_w1_a:6x2 hada_w1_b:2x8 hada_w2_a:6x2 hada_w2_b:2x8",
        "to_q, 3x4, hada_w1_a:3x2 hada_w1_b:2x4 hada_w2_a:3x2 hada_w2_b:2x4",
        "conv1, 6x4x3x3, hada_w1_a:6x2 hada_w1_b:2x36 hada_w2_a:6x2 hada_w2_b:2x36",
        "conv1, 6x4x3x3, hada_t1:2x2x3x3 hada_w1_a:2x6 hada_w1_b:2x4 hada_t2:2x2x3x3 hada_w2_a:2x6 hada_w2_b:2x4",
        "to_q, 8x15, lokr_w1:2x3 lokr_w2_a:4x2 lokr_w2_b:2x5",
        "to_q, 8x15, lokr_w1_a:2x1 lokr_w1_b:1x3 lokr_w2:4x5",
        "conv1, 6x4x3x3, lokr_w1:2x2 lokr_w2:3x2x3x3",
        "conv1, 6x4x3x3, lokr_w1:2x2 lokr_w2_a:3x2 lokr_w2_b:2x18",
        "conv1, 6x4x3x3, lokr_w1:2x2 lokr_t2:2x2x3x3 lokr_w2_a:2x3 lokr_w2_b:2x2"
    })
    void kindsOfLycorisAreMergedAndResizedExactly(String ending, String weight, String parts) {
        String layer = "lora_unet_down_blocks_0_" + ending;
        Random random = new Random(1);
        Map<String, Tensor> lycoris = new LinkedHashMap<>();
        lycoris.put(layer + ".alpha", numbers(Shape.of(), 1.5));
        for (String part : parts.split(" ")) {
            String[] named = part.split(":");
            lycoris.put(layer + "." + named[0], random(random, named[1]));
        }
        Shape shape = random(random, weight).shape();
        String kernel = shape.rank() == 4 ? "x3x3" : "";
        Map<String, Tensor> plain = Map.of(
                layer + ".lora_up.weight", random(random, shape.size(0) + (kernel.isEmpty() ? "x2" : "x2x1x1")),
                layer + ".lora_down.weight", random(random, "2x" + shape.size(1) + kernel));

        Checkpoint merged = LoraMerge.of(
                List.of(new LoraMerge.Weighted(lora(lycoris), 0.7, 0), new LoraMerge.Weighted(lora(plain), -0.4, 0)),
                Optional.empty(),
                Progress.NONE);
        Checkpoint resized = LoraResize.of(lora(lycoris), Ranks.of(99, 99), Progress.NONE);

        double[] delta = delta(lora(lycoris), shape);
        double[] other = delta(lora(plain), shape);
        double[] sum = IntStream.range(0, delta.length)
                .mapToDouble(i -> 0.7 * delta[i] - 0.4 * other[i])
                .toArray();
        assertThat(delta(Lora.of(merged), shape)).containsExactly(sum, within(1e-12));
        assertThat(delta(Lora.of(resized), shape)).containsExactly(delta, within(1e-7));
        assertThat(merged.tensors().keySet())
                .containsExactlyInAnyOrder(layer + ".alpha", layer + ".lora_up.weight", layer + ".lora_down.weight");
        assertThat(resized.tensors().keySet()).isEqualTo(merged.tensors().keySet());
        assertThat(resized.tensor(layer + ".lora_down.weight").shape().rank()).isEqualTo(shape.rank());
    }

    private static double[] delta(Lora lora, Shape weight) {
        return Delta.of(lora.modules().getFirst().parts(), weight)
                .orElseThrow()
                .of(new double[(int) weight.elements()]);
    }

    private static Tensor random(Random random, String sizes) {
        Shape shape =
                Shape.of(Stream.of(sizes.split("x")).mapToLong(Long::parseLong).toArray());
        return numbers(shape, random.doubles(shape.elements(), -1, 1).toArray());
    }

    @Test
    void biasesAndNormsAreMergedAsTheyAre() {
        Checkpoint merged = LoraMerge.of(
                List.of(
                        new LoraMerge.Weighted(
                                lora(Map.of("lora_unet_out_0.w_norm", numbers(Shape.of(2), 1, 2))), 0.5, 1),
                        new LoraMerge.Weighted(
                                lora(Map.of("lora_unet_out_0.w_norm", numbers(Shape.of(2), 4, 8))), 2, 1)),
                Optional.empty(),
                Progress.NONE);
        assertThat(Delta.load(merged.tensor("lora_unet_out_0.w_norm"))).containsExactly(8.5, 17);
    }

    @Test
    void whatIsNoSumOfProductsIsRefused() {
        Lora half = lora(Map.of(
                UNET + ".hada_w1_a",
                numbers(Shape.of(2, 1), 1, 2),
                UNET + ".hada_w1_b",
                numbers(Shape.of(1, 2), 1, 2)));
        assertThatThrownBy(() -> LoraResize.of(half, Ranks.of(1, 1), Progress.NONE))
                .hasMessageContaining("hada_w1_")
                .hasMessageContaining("hada_w2_a is missing");
        Lora dora = lora(Map.of(
                UNET + ".lora_up.weight", numbers(Shape.of(2, 1), 1, 2),
                UNET + ".lora_down.weight", numbers(Shape.of(1, 2), 1, 2),
                UNET + ".dora_scale", numbers(Shape.of(2, 1), 1, 2)));
        assertThatThrownBy(() ->
                        LoraMerge.of(List.of(new LoraMerge.Weighted(dora, 1, 1)), Optional.empty(), Progress.NONE))
                .hasMessageContaining("dora_scale");
        Lora narrow = lora(Map.of(
                UNET + ".lora_up.weight", numbers(Shape.of(2, 1), 1, 2),
                UNET + ".lora_down.weight", numbers(Shape.of(1, 3), 1, 2, 3)));
        assertThatThrownBy(() -> LoraMerge.of(
                        List.of(new LoraMerge.Weighted(lora("first"), 1, 1), new LoraMerge.Weighted(narrow, 1, 1)),
                        Optional.empty(),
                        Progress.NONE))
                .hasMessageContaining(UNET)
                .hasMessageContaining("different size");
    }

    /** kohya's own, to PEFT's names: the same as diffusers reads in it, and back without loss. */
    @Test
    void namesAreThoseThatDiffusersGives() {
        Checkpoint kohya = file("first");
        Checkpoint renamed = LoraNaming.DIFFUSERS.rename(Lora.of(kohya));
        assertSameTensors(renamed, file("diffusers-names"));
        assertThat(renamed.metadata().get("lora_adapter_metadata"))
                .contains("\"unet.lora_alpha\":4.0", "\"unet.rank_pattern\":{\"^down_blocks.0.resnets.0.conv1\":4}");
        assertSameTensors(LoraNaming.KOHYA.rename(Lora.of(renamed)), kohya);
    }

    private static void assertSameTensors(Checkpoint actual, Checkpoint expected) {
        assertThat(actual.tensors().keySet())
                .containsExactlyInAnyOrderElementsOf(expected.tensors().keySet());
        expected.tensors().forEach((name, tensor) -> {
            assertThat(actual.tensor(name).dtype()).as(name).isEqualTo(tensor.dtype());
            assertThat(actual.tensor(name).shape()).as(name).isEqualTo(tensor.shape());
            assertThat(bytes(actual.tensor(name))).as(name).isEqualTo(bytes(tensor));
        });
    }

    private static byte[] bytes(Tensor tensor) {
        byte[] bytes = new byte[(int) tensor.byteSize()];
        tensor.read(0, MemorySegment.ofArray(bytes));
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lora_unet_input_blocks_4_1_transformer_blocks_1_attn2_to_v",
                "lora_unet_input_blocks_5_0_in_layers_2",
                "lora_unet_input_blocks_5_0_emb_layers_1",
                "lora_unet_input_blocks_6_0_op",
                "lora_unet_middle_block_1_proj_in",
                "lora_unet_middle_block_2_out_layers_3",
                "lora_unet_output_blocks_2_2_conv",
                "lora_unet_output_blocks_5_1_transformer_blocks_0_ff_net_0_proj",
                "lora_unet_output_blocks_6_0_skip_connection",
                "lora_unet_time_embed_0",
                "lora_unet_label_emb_0_2",
                "lora_te1_text_model_encoder_layers_11_self_attn_out_proj",
                "lora_te2_text_model_encoder_layers_31_mlp_fc2"
            })
    void namesOfXlComeBack(String layer) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (String name : List.of(layer, "lora_te2_text_model_encoder_layers_0_mlp_fc1")) {
            tensors.put(name + ".lora_up.weight", numbers(Shape.of(2, 1), 1, 2));
            tensors.put(name + ".lora_down.weight", numbers(Shape.of(1, 2), 1, 2));
            tensors.put(name + ".dora_scale", numbers(Shape.of(2, 1), 3, 4));
            tensors.put(name + ".alpha", numbers(Shape.of(), 0.5));
        }
        Checkpoint kohya = Checkpoint.of(List.of(), tensors, Map.of());
        Checkpoint renamed = LoraNaming.DIFFUSERS.rename(Lora.of(kohya));
        assertThat(renamed.tensors().keySet())
                .allMatch(name -> name.matches("(unet|text_encoder(_2)?)\\.[a-z].*"))
                .noneMatch(name -> name.matches(".*(input|output)_blocks.*"));
        assertSameTensors(LoraNaming.KOHYA.rename(Lora.of(renamed)), kohya);
    }

    @Test
    void whatHasNoNameElsewhereIsRefused() {
        assertThatThrownBy(() -> LoraNaming.DIFFUSERS.rename(lora(Map.of(
                        "lora_unet_strange_layer.lora_up.weight", numbers(Shape.of(2, 1), 1, 2),
                        "lora_unet_strange_layer.lora_down.weight", numbers(Shape.of(1, 2), 1, 2)))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("lora_unet_strange_layer");
        assertThatThrownBy(() -> LoraNaming.DIFFUSERS.rename(lora(Map.of(UNET + ".lokr_w1", numbers(Shape.of(1), 1)))))
                .hasMessageContaining("lokr_w1");
        assertThatThrownBy(() -> LoraNaming.KOHYA.rename(lora(Map.of(
                        "mystery",
                        numbers(Shape.of(1), 1),
                        UNET + ".lora_up.weight",
                        numbers(Shape.of(2, 1), 1, 2),
                        UNET + ".lora_down.weight",
                        numbers(Shape.of(1, 2), 1, 2)))))
                .hasMessageContaining("mystery");
    }

    @Test
    void alphasInTheMetadataCount() {
        Map<String, Tensor> tensors = Map.of(
                "unet.conv_in.lora_A.weight", numbers(Shape.of(1, 2), 1, 2),
                "unet.conv_in.lora_B.weight", numbers(Shape.of(2, 1), 1, 2),
                "unet.conv_out.lora_A.weight", numbers(Shape.of(4, 1), 1, 2, 3, 4),
                "unet.conv_out.lora_B.weight", numbers(Shape.of(1, 4), 1, 2, 3, 4));
        String json = "{\"unet.lora_alpha\": 3, \"unet.alpha_pattern\": {\"conv_out\": 5}, \"unet.use_rslora\": true}";
        Lora lora = Lora.of(Checkpoint.of(List.of(), tensors, Map.of("lora_adapter_metadata", json)));
        assertThat(lora.modules())
                .allSatisfy(module -> assertThat(LayerProduct.of(module).scale())
                        .isEqualTo(module.layer().equals("conv_in") ? 3 : 5 / 2.0));
        assertThatThrownBy(() -> Lora.of(Checkpoint.of(List.of(), tensors, Map.of("lora_adapter_metadata", "{\"unet"))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("lora_adapter_metadata");
    }

    /** A search in random directions must find what the whole decomposition finds. */
    @ParameterizedTest
    @CsvSource({"150, 400", "400, 150"})
    void theLargestSingularValuesAreFoundWithoutTheOthers(int rows, int columns) {
        Random random = new Random(7);
        DMatrixRMaj matrix = new DMatrixRMaj(rows, columns);
        for (int i = 0; i < 150; i++) {
            DMatrixRMaj left = RandomMatrices_DDRM.rectangle(rows, 1, -1, 1, random);
            DMatrixRMaj right = RandomMatrices_DDRM.rectangle(1, columns, -1, 1, random);
            CommonOps_DDRM.multAdd(Math.pow(i + 1, -1.5), left, right, matrix);
        }
        SingularValues all = SingularValues.of(matrix, 150);
        SingularValues found = SingularValues.of(matrix, 8);
        assertThat(all.values()).hasSize(150);
        assertThat(found.values()).hasSize(18);
        for (int i = 0; i < 8; i++) {
            assertThat(found.values().get(i))
                    .isCloseTo(all.values().get(i), within(1e-4 * all.values().get(i)));
        }
        assertThat(distance(matrix, found.nearest(8))).isCloseTo(distance(matrix, all.nearest(8)), within(1e-4));
        double rest = all.values().stream()
                .skip(8)
                .mapToDouble(value -> value * value)
                .sum();
        assertThat(distance(matrix, all.nearest(8))).isCloseTo(Math.sqrt(rest), within(1e-9));
    }

    private static double distance(DMatrixRMaj matrix, Factors factors) {
        DMatrixRMaj product = CommonOps_DDRM.mult(factors.up(), factors.down(), null);
        return NormOps_DDRM.normF(CommonOps_DDRM.subtract(matrix, product, null));
    }

    @Test
    void expressionsMakeLoras() {
        ModelNames names = name -> Optional.of(path(name));
        Checkpoint merged = ModelExpression.parse("merge-lora(first:0.7, second:-0.4, rank=3, conv=2)")
                .resolve(names)
                .checkpoint();
        assertSameAsKohya(merged, "merged-rank-3");
        Checkpoint resized = ModelExpression.parse("first.resize-lora(rank=8, conv=2, sv_fro=0.9)")
                .resolve(names)
                .checkpoint();
        assertSameAsKohya(resized, "resized-sv-fro");
        Checkpoint baked = ModelExpression.parse(
                        "lora(base, extract-lora(tuned, base, rank=100, conv=100, dtype=fp32):1)")
                .resolve(names)
                .checkpoint();
        String weight = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight";
        assertThat(Delta.load(baked.tensor(weight)))
                .containsExactly(Delta.load(file("tuned").tensor(weight)), within(1e-6));
        for (String mistake : List.of(
                "extract-lora(tuned)",
                "resize-lora(first)",
                "resize-lora(first, rank=0)",
                "resize-lora(first, rank=2, sv_fro=2)",
                "resize-lora(first, rank=2, sv_fro=0.5, sv_ratio=3)",
                "resize-lora(first, ranks=2)",
                "merge-lora(first, conv=2)",
                "merge-lora(first:0, second:0)")) {
            assertThatThrownBy(() -> ModelExpression.parse(mistake).resolve(names))
                    .as(mistake)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("^");
        }
    }

    @ParameterizedTest
    @EnumSource(LoraNaming.class)
    void renamingMovesNoNumber(LoraNaming naming) {
        Map<String, double[]> before = products(file("first"));
        assertThat(products(naming.rename(lora("first"))).values().stream().mapToDouble(p -> p[0]))
                .containsExactlyInAnyOrderElementsOf(
                        before.values().stream().map(product -> product[0]).toList());
    }
}
