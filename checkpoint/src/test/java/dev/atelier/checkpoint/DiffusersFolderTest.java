package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

class DiffusersFolderTest {
    private static Map<String, Map<String, String>> names;

    @TempDir
    Path folder;

    @BeforeAll
    static void readNames() throws IOException {
        try (InputStream zipped = DiffusersFolderTest.class.getResourceAsStream("diffusers-names-sd15.json.gz");
                InputStream json = new GZIPInputStream(zipped)) {
            names = JsonMapper.shared().readValue(json, new TypeReference<>() {});
        }
    }

    @Test
    void everyNameIsThatOfDiffusersOwnConversion() {
        names.get("unet")
                .forEach((name, expected) -> assertThat(
                                DiffusersNames.unet(name, names.get("unet").keySet()))
                        .as(name)
                        .hasValue(expected.substring("model.diffusion_model.".length())));
        names.get("vae")
                .forEach((name, expected) -> assertThat(
                                DiffusersNames.vae(name, names.get("vae").keySet()))
                        .as(name)
                        .hasValue(expected.substring("first_stage_model.".length())));
    }

    @Test
    void aFolderIsReadAsTheSingleFileItCameFrom() throws IOException {
        save("unet/diffusion_pytorch_model.fp16.safetensors", tensors("unet", ""));
        save("vae/diffusion_pytorch_model.safetensors", tensors("vae", ""));
        save("text_encoder/model.safetensors", tensors("text", ""));

        Checkpoint read = Checkpoints.open(folder);

        names.values()
                .forEach(part -> part.forEach((name, singleFileName) -> assertThat(Bits.of(read.tensor(singleFileName)))
                        .as(name)
                        .isEqualTo(Bits.of(marked(name)))));
        assertThat(read.tensors()).hasSize(1130);
        assertThat(read.sources()).hasSize(3);
    }

    @Test
    void olderNamesOfTheTextEncoderAreUnderstood() throws IOException {
        save("unet/diffusion_pytorch_model.safetensors", tensors("unet", ""));
        save("vae/diffusion_pytorch_model.safetensors", tensors("vae", ""));
        save("text_encoder/model.safetensors", tensors("text", "text_model."));

        assertThat(Checkpoints.open(folder).tensors().keySet())
                .containsAll(names.get("text").values());
    }

    @Test
    void theVaesAttentionBecomesAConvolution() throws IOException {
        Map<String, Tensor> vae = tensors("vae", "");
        vae.put("decoder.mid_block.attentions.0.to_q.weight", Bits.tensor(DType.F16, Shape.of(2, 2), new byte[8]));
        vae.put("decoder.mid_block.attentions.0.to_q.bias", Bits.tensor(DType.F16, Shape.of(2), new byte[4]));
        save("unet/diffusion_pytorch_model.safetensors", tensors("unet", ""));
        save("vae/diffusion_pytorch_model.safetensors", vae);
        save("text_encoder/model.safetensors", tensors("text", ""));

        Checkpoint read = Checkpoints.open(folder);

        assertThat(read.tensor("first_stage_model.decoder.mid.attn_1.q.weight").shape())
                .isEqualTo(Shape.of(2, 2, 1, 1));
        assertThat(read.tensor("first_stage_model.decoder.mid.attn_1.q.bias").shape())
                .isEqualTo(Shape.of(2));
    }

    @Test
    void unusualSettingsComeFromTheConfigurationFiles() throws IOException {
        save("unet/diffusion_pytorch_model.safetensors", tensors("unet", ""));
        save("vae/diffusion_pytorch_model.safetensors", tensors("vae", ""));
        save("text_encoder/model.safetensors", tensors("text", ""));
        Files.writeString(
                folder.resolve("unet/config.json"),
                "{\"norm_num_groups\": 4, \"attention_head_dim\": 8, \"x\": [1, {}]}");
        Files.writeString(
                folder.resolve("text_encoder/config.json"), "{\"num_attention_heads\": 12, \"hidden_size\": 768}");

        assertThat(Checkpoints.open(folder).metadata())
                .containsOnly(Map.entry("format", "pt"), Map.entry("atelier.norm_num_groups", "4"));
    }

    @Test
    void aFolderThatIsNoModelAndOneThatLacksAPartAreNamed() throws IOException {
        assertRefused(folder, Reason.UNKNOWN_LAYOUT, "diffusers");
        save("unet/diffusion_pytorch_model.safetensors", tensors("unet", ""));
        assertThatThrownBy(() -> Checkpoints.open(folder))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessage("%s: the folder holds no weights (model.safetensors)", folder.resolve("text_encoder"));
    }

    @Test
    void aTensorWithoutAPlaceIsNamed() throws IOException {
        Map<String, Tensor> unet = tensors("unet", "");
        unet.put("down_blocks.0.motion_modules.0.weight", Bits.floats(1));
        save("unet/diffusion_pytorch_model.safetensors", unet);
        save("vae/diffusion_pytorch_model.safetensors", tensors("vae", ""));
        save("text_encoder/model.safetensors", tensors("text", ""));
        assertThatThrownBy(() -> Checkpoints.open(folder))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageStartingWith(folder.resolve("unet").toString())
                .hasMessageContaining("down_blocks.0.motion_modules.0.weight");
    }

    @Test
    void shardsAreReadAsOneFile() throws IOException {
        Path index = shards("\"a\": \"m-00001-of-00002.safetensors\", \"b\": \"m-00002-of-00002.safetensors\"");
        Checkpoint read = Checkpoints.open(index);
        assertThat(read.tensors().keySet()).containsExactly("a", "b");
        assertThat(read.sources()).hasSize(3);
    }

    @Test
    void anIndexThatDisagreesWithItsShardsIsRefused() throws IOException {
        assertRefused(
                shards("\"a\": \"m-00001-of-00002.safetensors\", \"c\": \"m-00001-of-00002.safetensors\""),
                Reason.BAD_INDEX,
                "\"c\"");
        assertRefused(
                shards("\"a\": \"m-00001-of-00002.safetensors\", \"a\": \"m-00002-of-00002.safetensors\""),
                Reason.BAD_INDEX,
                "JSON");
        assertRefused(shards("\"a\": \"m-00002-of-00002.safetensors\""), Reason.BAD_INDEX, "\"b\"");
        assertRefused(shards("\"a\": \"../m-00001-of-00002.safetensors\""), Reason.BAD_INDEX, "plain file name");
        assertRefused(shards("\"a\": 3"), Reason.BAD_INDEX, "plain file name");
        assertRefused(shards(""), Reason.BAD_INDEX, "weight_map");
    }

    private Path shards(String weightMap) throws IOException {
        save("m-00001-of-00002.safetensors", Map.of("a", Bits.floats(1)));
        save("m-00002-of-00002.safetensors", Map.of("b", Bits.floats(2)));
        return Files.writeString(
                folder.resolve("m.safetensors.index.json"),
                "{\"metadata\": {\"total_size\": 8}, \"weight_map\": {" + weightMap + "}}");
    }

    private void save(String name, Map<String, Tensor> tensors) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Checkpoint.of(List.of(), tensors, Map.of("format", "pt")).writeTo(file, Progress.NONE);
    }

    private static Map<String, Tensor> tensors(String part, String prefix) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        names.get(part).keySet().forEach(name -> tensors.put(prefix + name, marked(name)));
        return tensors;
    }

    /** A tensor that tells which one it is. */
    private static Tensor marked(String name) {
        return Bits.floats(name.hashCode());
    }
}
