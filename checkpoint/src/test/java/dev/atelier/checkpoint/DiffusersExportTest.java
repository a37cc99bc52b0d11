package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DiffusersExportTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"sd15, 1", "sd21, 14", "sdxl-base, 2", "sdxl-refiner, 1"})
    void theFolderHoldsWhatDiffusersOwnConversionMakes(String family, int leftOut) throws IOException {
        Map<String, Tensor> single = DiffusersFamiliesTest.tiny(family);
        DiffusersExport export = DiffusersExport.of(model(single));
        Path out = folder.resolve("out");
        List<Long> progress = new ArrayList<>();

        export.writeTo(out, Map.of("tokenizer/x.txt", new byte[] {1}), (done, _) -> progress.add(done));

        Map<String, Map<String, Tensor>> expected = family.equals("sd15")
                ? DiffusersFamiliesTest.sd15(single)
                : DiffusersFamiliesTest.diffusers(family, single);
        if (family.equals("sdxl-base")) {
            expected.get("text_encoder").remove("text_model.embeddings.position_ids");
        }
        expected.forEach((network, tensors) -> Bits.assertSame(
                Checkpoints.open(out.resolve(network)
                                .resolve(
                                        network.startsWith("text")
                                                ? "model.safetensors"
                                                : "diffusion_pytorch_model.safetensors"))
                        .tensors(),
                tensors));
        assertThat(export.leftOut()).hasSize(leftOut);
        assertThat(Files.readAllBytes(out.resolve("tokenizer/x.txt"))).containsExactly(1);
        assertThat(progress).isSorted().last().isEqualTo(export.byteSize());
        assertThat(files(folder)).as("nothing beside it").containsExactly("out");

        Checkpoint again = Checkpoints.open(out);
        single.keySet().removeAll(export.leftOut());
        Bits.assertSame(again.tensors(), single);
    }

    @ParameterizedTest
    @CsvSource({
        "sd15, StableDiffusionPipeline, PNDMScheduler, 8, 64, 1, 768, false",
        "sd21, StableDiffusionPipeline, DDIMScheduler, '[5,10,20,20]', 64, 1, 1024, true",
        "sdxl-base, StableDiffusionXLPipeline, EulerDiscreteScheduler, '[5,10,20]', 128, '[1,2,10]', 2048, true",
        "sdxl-refiner, StableDiffusionXLImg2ImgPipeline, EulerDiscreteScheduler, '[6,12,24,24]', 128, 4, 1280, true",
    })
    void theConfigurationFollowsFromTheShapes(
            String family,
            String pipeline,
            String scheduler,
            String heads,
            int sampleSize,
            String depth,
            int context,
            boolean linear) {
        Map<String, String> files = DiffusersConfig.of(Fixtures.model(family)).files();

        JsonNode unet = json(files, "unet/config.json");
        assertThat(json(files, "model_index.json").get("_class_name").asString())
                .isEqualTo(pipeline);
        assertThat(json(files, "scheduler/scheduler_config.json")
                        .get("_class_name")
                        .asString())
                .isEqualTo(scheduler);
        assertThat(unet.get("attention_head_dim")).hasToString(heads);
        assertThat(unet.get("sample_size").asInt()).isEqualTo(sampleSize);
        assertThat(unet.get("transformer_layers_per_block")).hasToString(depth);
        assertThat(unet.get("cross_attention_dim").asInt()).isEqualTo(context);
        assertThat(unet.get("use_linear_projection").asBoolean()).isEqualTo(linear);
        assertThat(unet.get("in_channels").asInt()).isEqualTo(4);
        JsonNode vae = json(files, "vae/config.json");
        assertThat(vae.get("block_out_channels")).hasToString("[128,256,512,512]");
        assertThat(vae.get("layers_per_block").asInt()).isEqualTo(2);
        assertThat(vae.get("latent_channels").asInt()).isEqualTo(4);
    }

    @Test
    void theTextEncodersOfXlAreTwo() {
        Map<String, String> files =
                DiffusersConfig.of(Fixtures.model("sdxl-base")).files();
        JsonNode first = json(files, "text_encoder/config.json");
        JsonNode second = json(files, "text_encoder_2/config.json");
        assertThat(first.get("hidden_act").asString()).isEqualTo("quick_gelu");
        assertThat(first.get("num_hidden_layers").asInt()).isEqualTo(12);
        assertThat(second.get("hidden_act").asString()).isEqualTo("gelu");
        assertThat(second.get("num_hidden_layers").asInt()).isEqualTo(32);
        assertThat(second.get("num_attention_heads").asInt()).isEqualTo(20);
        assertThat(second.get("projection_dim").asInt()).isEqualTo(1280);
        assertThat(second.get("architectures")).hasToString("[\"CLIPTextModelWithProjection\"]");
    }

    @Test
    void whatTheModelPredictsIsInTheScheduler() {
        Checkpoint v = Fixtures.model("sd21")
                .withMetadata(Map.of("modelspec.prediction_type", "v", "atelier.zero_terminal_snr", "true"));
        JsonNode scheduler = json(DiffusersConfig.of(v).files(), "scheduler/scheduler_config.json");
        assertThat(scheduler.get("prediction_type").asString()).isEqualTo("v_prediction");
        assertThat(scheduler.get("rescale_betas_zero_snr").asBoolean()).isTrue();
        assertThat(scheduler.get("timestep_spacing").asString()).isEqualTo("trailing");
        JsonNode unet = json(DiffusersConfig.of(v).files(), "unet/config.json");
        assertThat(unet.get("sample_size").asInt()).isEqualTo(96);
        assertThat(unet.get("upcast_attention").asBoolean()).isTrue();
    }

    @Test
    void sd2WithoutItsLastLayerKeepsAllItHas() {
        Map<String, Tensor> single = DiffusersFamiliesTest.tiny("sd21");
        single.keySet()
                .removeIf(name -> name.contains("resblocks.23")
                        || name.endsWith("text_projection")
                        || name.endsWith("logit_scale"));
        assertThat(DiffusersExport.of(model(single)).leftOut()).isEmpty();
    }

    @Test
    void stoppingLeavesNothingBehindAndAnOldFolderUntouched() throws IOException {
        Path out = Files.createDirectory(folder.resolve("out"));
        DiffusersExport export = DiffusersExport.of(model(DiffusersFamiliesTest.tiny("sd15")));
        Files.writeString(out.resolve("precious.txt"), "mine");
        assertThatThrownBy(() -> export.writeTo(out, Map.of(), Progress.NONE))
                .hasMessageContaining("no diffusers model");
        Files.writeString(out.resolve("model_index.json"), "{}");
        assertThatThrownBy(() -> export.writeTo(out, Map.of(), (_, _) -> {
                    throw new CancellationException();
                }))
                .isInstanceOf(CancellationException.class);
        assertThat(out.resolve("precious.txt")).exists();
        assertThat(files(folder)).containsExactly("out");

        export.writeTo(out, Map.of(), Progress.NONE);
        assertThat(out.resolve("unet/config.json")).exists();
        assertThat(out.resolve("precious.txt")).doesNotExist();
        assertThat(files(folder)).containsExactly("out");

        assertThatThrownBy(() -> DiffusersExport.of(Checkpoints.open(out)).writeTo(out, Map.of(), Progress.NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("choose another output folder");
    }

    @Test
    void whatIsNoWholeModelIsNamed() {
        assertThatThrownBy(() -> DiffusersExport.of(Fixtures.model("vae")))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("it is a VAE file");
        Map<String, Tensor> strange = new LinkedHashMap<>(DiffusersFamiliesTest.tiny("sd15"));
        strange.put("model.diffusion_model.motion.weight", Bits.floats(1));
        assertThatThrownBy(() -> DiffusersExport.of(model(strange)))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("model.diffusion_model.motion.weight");
    }

    private static Checkpoint model(Map<String, Tensor> tensors) {
        return Checkpoint.of(List.of(), tensors, Map.of());
    }

    private static JsonNode json(Map<String, String> files, String name) {
        return JsonMapper.shared().readTree(files.get(name));
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
