package dev.atelier.merge.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.LoraLayer;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.InMemory;
import dev.atelier.merge.ModelFile;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ModelNames;
import dev.atelier.merge.expression.ResolvedModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** LoRA files of all kinds and namings, baked: numbers against worked examples, names against published checkpoints. */
class LoraTest {
    private static final String UNET = "model.diffusion_model.";
    private static final String TO_Q = "input_blocks.1.1.transformer_blocks.0.attn1.to_q";
    private static final JsonNode EXAMPLES = json("merge-examples.json.gz").get("cases");

    /** What the examples call a tensor, and its part in a file. */
    private static final Map<String, String> PARTS = Map.ofEntries(
            Map.entry("up", "lora_up.weight"),
            Map.entry("down", "lora_down.weight"),
            Map.entry("mid", "lora_mid.weight"),
            Map.entry("dora_scale", "dora_scale"),
            Map.entry("w", "weight"),
            Map.entry("t1", "hada_t1"),
            Map.entry("t2", "hada_t2"),
            Map.entry("w1", "lokr_w1"),
            Map.entry("w2", "lokr_w2"));

    private static JsonNode json(String resource) {
        try (InputStream file = ModelFile.class.getResourceAsStream(resource);
                InputStream plain = new GZIPInputStream(file)) {
            return new ObjectMapper().readTree(plain);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Tensor tensor(JsonNode numbers) {
        List<Long> sizes = new ArrayList<>();
        for (JsonNode axis = numbers; axis.isArray(); axis = axis.get(0)) {
            sizes.add((long) axis.size());
        }
        List<Double> values = new ArrayList<>();
        flatten(numbers, values);
        return new InMemory(
                DType.F64,
                Shape.of(sizes.stream().mapToLong(Long::longValue).toArray()),
                values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static void flatten(JsonNode numbers, List<Double> values) {
        if (numbers.isArray()) {
            numbers.forEach(part -> flatten(part, values));
        } else {
            values.add(numbers.asDouble());
        }
    }

    private static Tensor scalar(double value) {
        return new InMemory(DType.F64, Shape.of(), value);
    }

    private static Tensor zeros(long... sizes) {
        Shape shape = Shape.of(sizes);
        return new InMemory(DType.F64, shape, new double[(int) shape.elements()]);
    }

    private static Checkpoint checkpoint(Map<String, Tensor> tensors) {
        return Checkpoint.of(List.of(Path.of("model.safetensors")), tensors, Map.of());
    }

    private static Lora lora(Map<String, Tensor> tensors) {
        return Lora.of(Checkpoint.of(List.of(Path.of("lora.safetensors")), tensors, Map.of()));
    }

    static Stream<String> examples() {
        return EXAMPLES.valueStream()
                .map(example -> example.get("id").asString())
                .filter(id -> id.matches("(lora|locon|loha|lokr|ia3)_bake.*|dora_bake-(input|output-axis-lycoris).*"));
    }

    @ParameterizedTest
    @MethodSource("examples")
    void everyKindComputesWhatItsExampleSays(String id) {
        JsonNode example = EXAMPLES.valueStream()
                .filter(candidate -> candidate.get("id").asString().equals(id))
                .findFirst()
                .orElseThrow();
        Map<String, Tensor> file = new LinkedHashMap<>();
        String layer = "lora_unet_" + TO_Q.replace('.', '_') + ".";
        example.get("inputs").properties().forEach(input -> {
            String part = PARTS.getOrDefault(input.getKey(), input.getKey());
            if (id.startsWith("loha") && part.matches("w.*")) {
                part = "hada_" + part;
            } else if (id.startsWith("lokr") && part.matches("w.*")) {
                part = "lokr_" + part;
            }
            if (!input.getKey().equals("weight")) {
                file.put(layer + part, tensor(input.getValue()));
            }
        });
        JsonNode params = example.get("params");
        if (params.hasNonNull("alpha")) {
            file.put(layer + "alpha", scalar(params.get("alpha").asDouble()));
        }
        if (id.startsWith("ia3")) {
            file.put(layer + "on_input", scalar(params.get("on_input").asBoolean() ? 1 : 0));
        }
        Tensor expected = tensor(example.get("expected"));
        boolean isWeight = example.get("inputs").has("weight");
        Tensor weight = isWeight
                ? tensor(example.get("inputs").get("weight"))
                : zeros(expected.shape().sizes());
        double strength = params.hasNonNull("ratio") ? params.get("ratio").asDouble() : 1;
        Tensor baked = lora(file)
                .bake(checkpoint(Map.of(UNET + TO_Q + ".weight", weight)), strength, 0)
                .tensor(UNET + TO_Q + ".weight");
        double[] actual = Delta.load(baked);
        double[] wanted = Delta.load(expected);
        if (id.startsWith("ia3") && example.get("method").asString().equals("ia3_delta")) {
            for (int i = 0; i < actual.length; i++) {
                actual[i] -= Delta.load(weight)[i];
            }
        }
        assertThat(actual.length).isEqualTo(wanted.length);
        double tolerance = Math.max(1e-12, example.get("tolerance").asDouble());
        for (int i = 0; i < wanted.length; i++) {
            assertThat(actual[i])
                    .as("%s[%d]", id, i)
                    .isCloseTo(wanted[i], within(tolerance * (1 + Math.abs(wanted[i]))));
        }
    }

    /** OFT of LyCORIS (plain, limited and rescaled, a convolution; its older form) and kohya, BOFT, GLoRA of both layouts. */
    @Test
    void turnsAndGeneralizedProductsAreThoseOfTheOriginals() throws URISyntaxException {
        Checkpoint reference = Checkpoints.open(
                Path.of(LoraTest.class.getResource("lycoris.safetensors").toURI()));
        Checkpoint model = reference.filter(name -> name.startsWith(UNET));
        Lora lora = Lora.of(reference.filter(name -> name.startsWith("lora_")));
        assertThat(lora.unmatched(model)).isEmpty();
        Checkpoint baked = lora.bake(model, 1, 1);
        assertThat(model.tensors()).hasSize(10);
        for (String name : model.tensors().keySet()) {
            double[] expected = Delta.load(reference.tensor("expected." + name));
            assertThat(Delta.load(baked.tensor(name))).as(name).containsExactly(expected, within(4e-6));
            assertThat(Delta.load(model.tensor(name)))
                    .as(name)
                    .usingComparatorWithPrecision(0.01)
                    .isNotEqualTo(expected);
        }
    }

    /** A layer of each part, as different programs name it. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            sd15 | lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q | input_blocks.1.1.transformer_blocks.0.attn1.to_q
            sd15 | lora_unet_mid_block_attentions_0_proj_in | middle_block.1.proj_in
            sd15 | lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_ff_net_0_proj | output_blocks.11.1.transformer_blocks.0.ff.net.0.proj
            sd15 | lora_unet_down_blocks_0_resnets_0_conv1 | input_blocks.1.0.in_layers.2
            sd15 | lora_unet_down_blocks_3_resnets_1_time_emb_proj | input_blocks.11.0.emb_layers.1
            sd15 | lora_unet_down_blocks_0_downsamplers_0_conv | input_blocks.3.0.op
            sd15 | lora_unet_up_blocks_0_upsamplers_0_conv | output_blocks.2.1.conv
            sd15 | lora_unet_up_blocks_1_upsamplers_0_conv | output_blocks.5.2.conv
            sd15 | lora_unet_mid_block_resnets_1_conv2 | middle_block.2.out_layers.3
            sd15 | lora_te_text_model_encoder_layers_11_mlp_fc1 | cond_stage_model.transformer.text_model.encoder.layers.11.mlp.fc1
            sd15 | unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0 | input_blocks.1.1.transformer_blocks.0.attn1.to_out.0
            sd15 | base_model.model.unet.up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k | output_blocks.3.1.transformer_blocks.0.attn2.to_k
            sd15 | text_encoder.text_model.encoder.layers.0.self_attn.q_proj | cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.q_proj
            sd21 | lora_te_text_model_encoder_layers_22_mlp_fc2 | cond_stage_model.model.transformer.resblocks.22.mlp.c_proj
            sdxl-base | lora_unet_input_blocks_4_1_transformer_blocks_1_attn2_to_v | input_blocks.4.1.transformer_blocks.1.attn2.to_v
            sdxl-base | lora_unet_down_blocks_1_attentions_0_transformer_blocks_1_attn2_to_v | input_blocks.4.1.transformer_blocks.1.attn2.to_v
            sdxl-base | lora_te1_text_model_encoder_layers_0_self_attn_out_proj | conditioner.embedders.0.transformer.text_model.encoder.layers.0.self_attn.out_proj
            sdxl-base | text_encoder_2.text_model.encoder.layers.31.mlp.fc1 | conditioner.embedders.1.model.transformer.resblocks.31.mlp.c_fc
            """)
    void layersAreFoundUnderTheNamesOfAllPrograms(String family, String layer, String expected) {
        Checkpoint model = published(family);
        String weight =
                (expected.contains("_blocks.") || expected.startsWith("middle") ? UNET : "") + expected + ".weight";
        long[] sizes = model.tensor(weight).shape().sizes();
        long columns = model.tensor(weight).shape().elements() / sizes[0];
        for (List<String> halves : List.of(
                List.of(".lora_up.weight", ".lora_down.weight"),
                List.of(".lora_B.weight", ".lora_A.weight"),
                List.of(".lora.up.weight", ".lora.down.weight"))) {
            Lora lora =
                    lora(Map.of(layer + halves.get(0), zeros(sizes[0], 1), layer + halves.get(1), zeros(1, columns)));
            assertThat(lora.unmatched(model)).isEmpty();
            Checkpoint baked = lora.bake(model, 1, 1);
            assertThat(baked.tensors().keySet()).isEqualTo(model.tensors().keySet());
            assertThat(baked.tensors().entrySet().stream()
                            .filter(named -> named.getValue() instanceof BakedTensor)
                            .map(Map.Entry::getKey))
                    .containsExactly(weight);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight,"
                + "unet,down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0,lora_up",
        "text_encoder.text_model.encoder.layers.3.self_attn.to_q_lora.down.weight,"
                + "te1,text_model_encoder_layers_3_self_attn_q_proj,lora_down",
        "text_encoder.text_model.encoder.layers.3.self_attn.out_proj.lora_linear_layer.down.weight,"
                + "te1,text_model_encoder_layers_3_self_attn_out_proj,lora_down",
        "diffusion_model.input_blocks.1.1.proj_in.lora_A.weight,unet,input_blocks_1_1_proj_in,lora_down",
        "lora_te2_text_model_encoder_layers_3_mlp_fc1.dora_scale,te2,text_model_encoder_layers_3_mlp_fc1,dora_scale"
    })
    void olderNamesAreRead(String name, String network, String layer, String part) {
        assertThat(LoraNames.of(name)).contains(new LoraNames.Place(network, layer, part));
    }

    /** How many layers kohya trains: those of the transformers, and with convolutions the residual blocks and samplers. */
    @ParameterizedTest
    @CsvSource({"sd15, 192, 86, 72", "sd21, 192, 86, 144", "sdxl-base, 722, 66, 264"})
    void asManyLayersAreFoundAsKohyaTrains(String family, int transformer, int convolution, int text) {
        Checkpoint model = published(family);
        List<String> unet = LoraLayer.of(model).stream()
                .filter(layer -> layer.network().equals("unet"))
                .map(LoraLayer::diffusers)
                .toList();
        assertThat(unet).doesNotHaveDuplicates();
        assertThat(unet)
                .filteredOn(name -> name.matches(".*attentions.*(to_[qkv]|to_out\\.0|proj_in|proj_out|proj|net\\.2)"))
                .hasSize(transformer);
        assertThat(unet)
                .filteredOn(name -> name.matches(".*(resnets.*(conv[12]|time_emb_proj|conv_shortcut)|samplers.*conv)"))
                .hasSize(convolution);
        Weights weights = new Weights(model);
        long found = Stream.of("te1", "te2")
                .flatMap(network -> Stream.iterate(0, layer -> layer + 1)
                        .limit(32)
                        .flatMap(layer -> Stream.of(
                                        "self_attn_q_proj",
                                        "self_attn_k_proj",
                                        "self_attn_v_proj",
                                        "self_attn_out_proj",
                                        "mlp_fc1",
                                        "mlp_fc2")
                                .map(part -> new LoraModule(
                                        network,
                                        "text_model_encoder_layers_%d_%s".formatted(layer, part),
                                        Map.of(),
                                        Map.of()))))
                .filter(module -> weights.find(module).isPresent())
                .count();
        assertThat(found).isEqualTo(text);
    }

    /** Only names and shapes; no element is ever read. */
    private static Checkpoint published(String family) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        JsonNode keys = json("keys-%s.json.gz".formatted(family));
        keys.properties().forEach(key -> {
            long[] sizes =
                    key.getValue().valueStream().mapToLong(JsonNode::asLong).toArray();
            tensors.put(key.getKey(), new Unread(DType.F16, Shape.of(sizes)));
        });
        return checkpoint(tensors);
    }

    private record Unread(DType dtype, Shape shape) implements Tensor {
        @Override
        public void read(long offset, java.lang.foreign.MemorySegment target) {
            throw new AssertionError("read");
        }

        @Override
        public void read(long first, float[] target, int count) {
            throw new AssertionError("read");
        }

        @Override
        public void read(long first, double[] target, int count) {
            throw new AssertionError("read");
        }
    }

    @Test
    void queriesKeysAndValuesOfOpenClipAreThirdsOfOneTensor() {
        String name = "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight";
        Checkpoint model = checkpoint(Map.of(name, zeros(6, 2)));
        Map<String, Tensor> file = new LinkedHashMap<>();
        int value = 1;
        for (String part : List.of("q", "k", "v")) {
            String layer = "lora_te_text_model_encoder_layers_0_self_attn_%s_proj.".formatted(part);
            file.put(layer + "lora_up.weight", new InMemory(DType.F64, Shape.of(2, 1), value, 10 * value));
            file.put(layer + "lora_down.weight", new InMemory(DType.F64, Shape.of(1, 2), 1, 2));
            value++;
        }
        assertThat(Delta.load(lora(file).bake(model, 0, 0.5).tensor(name)))
                .containsExactly(0.5, 1, 5, 10, 1, 2, 10, 20, 1.5, 3, 15, 30);
    }

    @Test
    void anInpaintingModelGetsTheFourChannelsThatOrdinaryOnesHave() {
        String name = UNET + "input_blocks.0.0.weight";
        Checkpoint model = checkpoint(Map.of(name, zeros(1, 9, 1, 1)));
        Lora lora = lora(Map.of(
                "lora_unet_conv_in.lora_up.weight", new InMemory(DType.F64, Shape.of(1, 1, 1, 1), 2),
                "lora_unet_conv_in.lora_down.weight", new InMemory(DType.F64, Shape.of(1, 4, 1, 1), 1, 2, 3, 4)));
        assertThat(Delta.load(lora.bake(model, 1, 1).tensor(name))).containsExactly(2, 4, 6, 8, 0, 0, 0, 0, 0);
    }

    @Test
    void whatDoesNotFitIsNamed() {
        Checkpoint model = checkpoint(Map.of(UNET + TO_Q + ".weight", zeros(4, 3)));
        String layer = "lora_unet_" + TO_Q.replace('.', '_');
        assertThatThrownBy(() -> lora(Map.of(
                                layer + ".lora_up.weight", zeros(4, 2), layer + ".lora_down.weight", zeros(2, 5)))
                        .bake(model, 1, 1))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining(layer)
                .hasMessageContaining("[4, 3]")
                .hasMessageContaining("[2, 5]");
        assertThatThrownBy(() -> lora(Map.of("lora_te_nothing.lora_up.weight", zeros(4, 2)))
                        .bake(model, 1, 1))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("none of its 1 layers");
        assertThatThrownBy(() -> lora(Map.of(UNET + "out.2.weight", zeros(4, 2))))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("no LoRA");
        Lora odd = lora(Map.of(
                layer + ".lora_up.weight",
                zeros(4, 2),
                layer + ".lora_down.weight",
                zeros(2, 3),
                layer + ".mystery",
                zeros(1),
                "lora_unet_elsewhere.lora_up.weight",
                zeros(1, 1)));
        assertThat(odd.unmatched(model))
                .containsExactlyInAnyOrder(layer + ".mystery", "lora_unet_elsewhere.lora_up.weight");
    }

    @Test
    void anExpressionAddsLoras(@TempDir Path folder) {
        String weight = UNET + TO_Q + ".weight";
        String text = "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1";
        new ModelFile()
                .floats(weight, Shape.of(2, 2), 1, 2, 3, 4)
                .floats(text + ".weight", Shape.of(1, 1), 5)
                .in(folder, "model.safetensors");
        String unet = "lora_unet_" + TO_Q.replace('.', '_');
        new ModelFile()
                .floats(unet + ".lora_up.weight", Shape.of(2, 1), 1, 10)
                .floats(unet + ".lora_down.weight", Shape.of(1, 2), 1, 2)
                .floats("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight", Shape.of(1, 1), 1)
                .floats("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", Shape.of(1, 1), 8)
                .floats("lora_te_gone.diff", Shape.of(1, 1), 8)
                .in(folder, "style.safetensors");
        ModelNames names = name -> Optional.of(folder.resolve(name + ".safetensors"));
        ResolvedModel baked =
                ModelExpression.parse("lora(model, style:0.5:1, style:-0.5)").resolve(names);
        Path file = folder.resolve("baked.safetensors");
        baked.checkpoint().writeTo(file, Progress.NONE);
        Checkpoint written = Checkpoints.open(file);
        assertThat(Delta.load(written.tensor(weight))).containsExactly(1.5, 3, 8, 14);
        assertThat(Delta.load(written.tensor(text + ".weight"))).containsExactly(5);
        assertThat(baked.inputs().keySet()).containsExactly("model", "style");
        assertThat(baked.warnings()).hasSize(2).allMatch(warning -> warning.contains("lora_te_gone.diff"));
        assertThat(Arrays.asList("model.lora(style)", "lora(model, style:1)"))
                .allSatisfy(expression -> assertThat(Delta.load(ModelExpression.parse(expression)
                                .resolve(names)
                                .checkpoint()
                                .tensor(weight)))
                        .containsExactly(2, 4, 13, 24));
        for (String mistake : List.of("lora(model)", "lora(model, 0.5*style)", "lora(model, style:1:1:1)")) {
            assertThatThrownBy(() -> ModelExpression.parse(mistake).resolve(names))
                    .hasMessageContaining("LoRA");
        }
    }
}
