package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** Every family's tensors in diffusers' names, compared with where diffusers' own conversion takes each of them from. */
class DiffusersFamiliesTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"sd21, 14", "sdxl-base, 1", "sdxl-refiner, 1"})
    void aFolderIsReadAsTheSingleFileItCameFrom(String family, int notInDiffusers) throws IOException {
        Map<String, Tensor> single = tiny(family);
        Map<String, Map<String, Tensor>> networks = diffusers(family, single);
        for (String network : networks.keySet()) {
            save(folder.resolve(network), network, networks.get(network));
        }

        Checkpoint read = Checkpoints.open(folder);

        single.keySet().removeIf(name -> !read.has(name));
        Bits.assertSame(read.tensors(), single);
        assertThat(read.tensors()).hasSize(Fixtures.model(family).tensors().size() - notInDiffusers);
        Bits.assertSame(Layout.normalize(read).tensors(), single);
    }

    @ParameterizedTest
    @CsvSource({"sd21", "sdxl-base", "sdxl-refiner"})
    void diffusersNamesInOneFileAreUnderstood(String family) {
        Map<String, Tensor> single = tiny(family);
        Map<String, Tensor> file = new LinkedHashMap<>();
        diffusers(family, single)
                .forEach((network, tensors) ->
                        tensors.forEach((name, tensor) -> file.put(network + "." + name, tensor)));

        Checkpoint read = Layout.normalize(Checkpoint.of(List.of(), file, Map.of()));

        single.keySet().removeIf(name -> !read.has(name));
        Bits.assertSame(read.tensors(), single);
        assertThat(read.tensors()).hasSizeGreaterThan(1200);
    }

    @Test
    void aControlNetIsReadAsControlNetsOwnCodeNamesIt() {
        Map<String, Tensor> single = tiny("controlnet-sd15");
        Checkpoint read = Layout.normalize(
                Checkpoint.of(List.of(), diffusers("controlnet-sd15", single).get("controlnet"), Map.of()));
        Bits.assertSame(read.tensors(), single);
    }

    @ParameterizedTest
    @ValueSource(strings = {"unet", "vae"})
    void aNetworkOnItsOwnIsRecognised(String network) throws IOException {
        Map<String, Tensor> single = tiny("sdxl-base");
        save(folder, network, diffusers("sdxl-base", single).get(network));
        Component component = network.equals("unet") ? Component.UNET : Component.VAE;
        Map<String, Tensor> expected = new LinkedHashMap<>();
        single.forEach((name, tensor) -> {
            if (Component.of(name) == component) {
                expected.put(
                        component == Component.VAE
                                ? name.substring(component.prefix().length())
                                : name,
                        tensor);
            }
        });
        Bits.assertSame(Checkpoints.open(folder).tensors(), expected);
    }

    @Test
    void aUNetWithoutPrefixGetsIt() {
        Map<String, Tensor> unet = new LinkedHashMap<>(tiny("sd15"));
        unet.keySet().removeIf(name -> Component.of(name) != Component.UNET);
        for (String prefix : List.of("", "diffusion_model.", "module.diffusion_model.", "_orig_mod.diffusion_model.")) {
            Map<String, Tensor> bare = new LinkedHashMap<>();
            unet.forEach((name, tensor) -> bare.put(name.replace(Component.UNET.prefix(), prefix), tensor));
            Bits.assertSame(
                    Layout.normalize(Checkpoint.of(List.of(), bare, Map.of())).tensors(), unet);
        }
    }

    @Test
    void anXlFileThatComfyUiHasSavedGetsOpenClipBack() {
        Map<String, Tensor> single = tiny("sdxl-base");
        Map<String, Tensor> file = new LinkedHashMap<>(single);
        file.keySet().removeIf(name -> name.startsWith("conditioner.embedders.1."));
        diffusers("sdxl-base", single)
                .get("text_encoder_2")
                .forEach((name, tensor) -> file.put(
                        "conditioner.embedders.1.model."
                                + (name.equals("text_projection.weight") ? name : "transformer." + name),
                        tensor));
        file.put("conditioner.embedders.1.model.transformer.text_model.embeddings.position_ids", Bits.floats(0, 1));
        single.remove("conditioner.embedders.1.model.logit_scale");

        Bits.assertSame(
                Layout.normalize(Checkpoint.of(List.of(), file, Map.of())).tensors(), single);
    }

    @Test
    void aQueryWithoutItsKeyIsNamed() {
        Map<String, Tensor> file = new LinkedHashMap<>();
        diffusers("sd21", tiny("sd21"))
                .forEach((network, tensors) ->
                        tensors.forEach((name, tensor) -> file.put(network + "." + name, tensor)));
        file.remove("text_encoder.text_model.encoder.layers.3.self_attn.k_proj.bias");
        assertThatThrownBy(() -> Layout.normalize(Checkpoint.of(List.of(Path.of("x")), file, Map.of())))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessage("x: the tensor \"encoder.layers.3.self_attn.k_proj.bias\" is missing");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"prediction_type\": \"v_prediction\"} | modelspec.prediction_type=v",
                "{\"prediction_type\": \"epsilon\"} | modelspec.prediction_type=epsilon",
                "{\"prediction_type\": \"v_prediction\", \"rescale_betas_zero_snr\": true} |"
                        + " modelspec.prediction_type=v;atelier.zero_terminal_snr=true",
                "{} | ''",
            })
    void theSchedulerSaysWhatTheUNetPredicts(String config, String metadata) throws IOException {
        Map<String, Map<String, Tensor>> networks = diffusers("sd21", tiny("sd21"));
        for (String network : networks.keySet()) {
            save(folder.resolve(network), network, networks.get(network));
        }
        Files.createDirectories(folder.resolve("scheduler"));
        Files.writeString(folder.resolve("scheduler/scheduler_config.json"), config);
        Files.writeString(
                folder.resolve("unet/config.json"),
                "{\"attention_head_dim\": [5, 10, 20, 20], \"block_out_channels\": [320, 640, 1280, 1280]}");
        Checkpoint read = Checkpoints.open(folder);
        Map<String, String> expected = new TreeMap<>(Map.of("format", "pt"));
        for (String entry : metadata.split(";")) {
            if (!entry.isEmpty()) {
                expected.put(entry.substring(0, entry.indexOf('=')), entry.substring(entry.indexOf('=') + 1));
            }
        }
        assertThat(read.metadata()).isEqualTo(expected);
        assertThat(PredictionType.stated(read).map(PredictionType::name).orElse(""))
                .isEqualTo(metadata.contains("=v") ? "V" : metadata.contains("eps") ? "EPSILON" : "");
        assertThat(PredictionType.isZeroTerminalSnr(read)).isEqualTo(metadata.contains("snr"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "diffusion_pytorch_model.safetensors",
                "diffusion_pytorch_model.fp16.safetensors",
                "diffusion_pytorch_model.non_ema.safetensors",
                "diffusion_pytorch_model.safetensors.index.json",
                "diffusion_pytorch_model.safetensors.index.fp16.json",
                "diffusion_pytorch_model.safetensors.fp16.index.json",
                "model.safetensors",
            })
    void everySpellingOfAWeightsFileIsFound(String name) throws IOException {
        Map<String, Map<String, Tensor>> networks = diffusers("sd21", tiny("sd21"));
        for (String network : networks.keySet()) {
            save(folder.resolve(network), network, networks.get(network));
        }
        Path weights = folder.resolve("unet/diffusion_pytorch_model.safetensors");
        if (name.contains("index")) {
            Files.move(weights, folder.resolve("unet/shard-00001-of-00001.fp16.safetensors"));
            Map<String, String> map = new TreeMap<>();
            networks.get("unet").keySet().forEach(tensor -> map.put(tensor, "shard-00001-of-00001.fp16.safetensors"));
            Files.writeString(
                    folder.resolve("unet").resolve(name),
                    JsonMapper.shared().writeValueAsString(Map.of("weight_map", map)));
        } else {
            Files.move(weights, folder.resolve("unet").resolve(name));
        }
        assertThat(Checkpoints.open(folder).has("model.diffusion_model.input_blocks.0.0.weight"))
                .isTrue();
    }

    /** The tensors of a published model, each small and unlike any other, in proportions that survive the conversions. */
    static Map<String, Tensor> tiny(String family) {
        int width = family.equals("sd21") ? 1024 : 1280;
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Fixtures.model(family).tensors().forEach((name, tensor) -> {
            long[] sizes = tensor.shape().sizes();
            for (int axis = 0; axis < sizes.length; axis++) {
                sizes[axis] = name.contains(".model.transformer.") || name.contains("text_projection")
                        ? sizes[axis] * 4 / width
                        : name.contains(".attn_1.") && name.endsWith("weight") && axis < 2 ? 2 : 1;
            }
            float[] values = new float[(int) Shape.of(sizes).elements()];
            for (int i = 0; i < values.length; i++) {
                values[i] = name.hashCode() + 65537f * i;
            }
            tensors.put(name, new ReshapedTensor(Bits.floats(values), Shape.of(sizes)));
        });
        return tensors;
    }

    /** The tensors of a single file as diffusers' conversion distributes them, by network. */
    static Map<String, Map<String, Tensor>> diffusers(String family, Map<String, Tensor> single) {
        Map<String, Map<String, Tensor>> networks = new TreeMap<>();
        names(family).forEach((network, names) -> {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            names.forEach((name, source) -> tensors.put(name, derived(network, name, source.split(" "), single)));
            networks.put(network, tensors);
        });
        return networks;
    }

    /** As {@link #diffusers} for Stable Diffusion 1.5, whose list of names has another form. */
    static Map<String, Map<String, Tensor>> sd15(Map<String, Tensor> single) {
        Map<String, Map<String, Tensor>> networks = new TreeMap<>();
        names("sd15").forEach((network, names) -> {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            boolean text = network.equals("text");
            names.forEach((name, source) -> tensors.put(
                    (text ? "text_model." : "") + name, derived(network, name, new String[] {source}, single)));
            networks.put(text ? "text_encoder" : network, tensors);
        });
        return networks;
    }

    private static Tensor derived(String network, String name, String[] source, Map<String, Tensor> single) {
        Tensor tensor = single.get(source[0]);
        long[] sizes = tensor.shape().sizes();
        if (source.length == 2) {
            return transposed(tensor);
        }
        if (source.length == 3) {
            long third = sizes[0] / 3;
            return new RowsTensor(tensor, Integer.parseInt(source[2]) * third, third);
        }
        return network.equals("vae") && name.contains("attentions") && sizes.length == 4
                ? new ReshapedTensor(tensor, Shape.of(sizes[0], sizes[1]))
                : tensor;
    }

    private static Tensor transposed(Tensor matrix) {
        int rows = (int) matrix.shape().size(0);
        int columns = (int) matrix.shape().size(1);
        float[] values = new float[rows * columns];
        matrix.read(0, values, values.length);
        float[] turned = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            turned[i % columns * rows + i / columns] = values[i];
        }
        return new ReshapedTensor(Bits.floats(turned), Shape.of(columns, rows));
    }

    static Map<String, Map<String, String>> names(String family) {
        try (InputStream zipped =
                        DiffusersFamiliesTest.class.getResourceAsStream("diffusers-names-" + family + ".json.gz");
                InputStream json = new GZIPInputStream(zipped)) {
            return JsonMapper.shared().readValue(json, new TypeReference<>() {});
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void save(Path network, String kind, Map<String, Tensor> tensors) throws IOException {
        Files.createDirectories(network);
        String file = kind.startsWith("text") ? "model.safetensors" : "diffusion_pytorch_model.safetensors";
        Checkpoint.of(List.of(), tensors, Map.of("format", "pt")).writeTo(network.resolve(file), Progress.NONE);
    }
}
