package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.Miniature;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** hash, verify and metadata on the miniature, as a user types them. */
class FileCommandsTest {
    @TempDir
    Path folder;

    private Path miniature;

    @BeforeEach
    void unpack() {
        miniature = Miniature.unpack(folder);
    }

    @Test
    void hashPrintsWhatOtherProgramsShow() throws IOException {
        Path text = Files.writeString(folder.resolve("abc"), "abc");
        Run run = Run.atelier("hash", miniature, text);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out().lines().map(String::strip))
                .containsSequence(
                        text.toString(),
                        "sha256  ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                        "AutoV1  e3b0c442",
                        "AutoV2  ba7816bf8f");
        JsonNode json = JsonMapper.shared()
                .readTree(Run.atelier("hash", "--json", miniature, text).out());
        assertThat(json).hasSize(2);
        assertThat(json.get(0).get("file").asString()).isEqualTo(miniature.toString());
        assertThat(json.get(0).get("autov3").asString()).hasSize(12);
        assertThat(json.get(1).get("autov3").isNull()).isTrue();
    }

    @Test
    void hashNamesTheFileThatIsMissing() {
        Run run = Run.atelier("hash", miniature, folder.resolve("nowhere"));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("nowhere").contains("no such file");
    }

    @Test
    void verifyGivesAVerdictForEachFile() throws IOException {
        byte[] bytes = Files.readAllBytes(miniature);
        Path cut = Files.write(folder.resolve("cut.safetensors"), Arrays.copyOf(bytes, bytes.length - 1));
        bytes[bytes.length - 1] = 0x7E; // the last tensors are F16, and this makes the last element NaN
        Path nan = Files.write(folder.resolve("nan.safetensors"), bytes);
        Run run = Run.atelier("verify", miniature, cut, nan);
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out())
                .contains(miniature + ": sound")
                .contains(cut + ": damaged")
                .contains("truncated")
                .contains(nan + ": not finite")
                .contains(": 1 NaN");
        assertThat(Run.atelier("verify", miniature).exitCode()).isZero();
        JsonNode json = JsonMapper.shared()
                .readTree(Run.atelier("verify", "--json", nan).out());
        assertThat(json.get(0).get("verdict").asString()).isEqualTo("not_finite");
        assertThat(json.get(0).get("not_finite")).hasSize(1);
    }

    @Test
    void metadataIsEditedAndTheWeightsAreNot() throws IOException {
        Path edited = folder.resolve("edited.safetensors");
        Run run =
                Run.atelier("metadata", miniature, "--set", "modelspec.title=A=B", "--remove", "format", "-o", edited);
        assertThat(run.exitCode()).as(run.err()).isZero();
        Map<String, String> metadata = Checkpoints.open(edited).metadata();
        assertThat(metadata).containsEntry("modelspec.title", "A=B").doesNotContainKey("format");
        assertThat(autoV3(edited)).isEqualTo(autoV3(miniature));
        assertThat(Run.atelier("metadata", edited).out()).contains("modelspec.title = A=B");

        run = Run.atelier("metadata", edited, "--clear", "--set", "only=this", "-i", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(JsonMapper.shared().readTree(run.out())).hasSize(1);
        assertThat(Checkpoints.open(edited).metadata()).isEqualTo(Map.of("only", "this"));
    }

    @Test
    void aThumbnailIsAJpegOf256Pixels() throws IOException {
        Path picture = folder.resolve("picture.png");
        ImageIO.write(new BufferedImage(1000, 700, BufferedImage.TYPE_INT_RGB), "png", picture.toFile());
        assertThat(Run.atelier("metadata", miniature, "--thumbnail", picture, "-i")
                        .exitCode())
                .isZero();
        String uri = Checkpoints.open(miniature).metadata().get("modelspec.thumbnail");
        assertThat(uri).startsWith("data:image/jpeg;base64,");
        BufferedImage small =
                ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(uri.substring(uri.indexOf(',') + 1))));
        assertThat(small.getWidth()).isEqualTo(256);
        assertThat(small.getHeight()).isEqualTo(179);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--set=a=b", "--remove=nothing -i", "-i", "--thumbnail=nowhere.png -i"})
    void anEditThatCannotBeMadeLeavesTheFile(String options) throws IOException {
        byte[] before = Files.readAllBytes(miniature);
        Object[] words = ("metadata " + miniature + " " + options).split(" ");
        Run run = Run.atelier(words);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).startsWith("atelier: ");
        assertThat(miniature).hasBinaryContent(before);
    }

    @Test
    void diffShowsWhatAMergeHasChanged() throws IOException {
        Path merged = folder.resolve("merged.safetensors");
        Path doubled = folder.resolve("doubled.safetensors");
        String half = "model.diffusion_model.middle_block";
        assertThat(Run.atelier("merge", miniature, miniature, miniature, "--method", "add-difference", "-o", merged)
                        .exitCode())
                .isZero();
        assertThat(Run.atelier("diff", miniature, merged).out()).contains("Identical: all 1131 tensors");

        Checkpoints.open(miniature)
                .map((name, tensor) ->
                        name.startsWith(half) ? tensor.to(DType.BF16).to(DType.F16) : tensor)
                .writeTo(doubled, Progress.NONE);
        Path svg = folder.resolve("change.svg");
        Path png = folder.resolve("change.png");
        Run run = Run.atelier("diff", miniature, doubled, "--heatmap", svg);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).containsPattern("M00 +46 +\\d+ +0\\.9999").containsPattern("IN01 +\\d+ +\\d+ += +=");
        assertThat(svg)
                .content()
                .contains("UNet M00")
                .contains("self-attention")
                .contains("0.1");
        assertThat(Run.atelier("diff", miniature, doubled, "--heatmap", png, "--json")
                        .exitCode())
                .isZero();
        assertThat(ImageIO.read(png.toFile()).getWidth()).isGreaterThan(1000);
        JsonNode json = JsonMapper.shared()
                .readTree(Run.atelier("diff", miniature, doubled, "--json").out());
        assertThat(json.get("identical").asBoolean()).isFalse();
        assertThat(json.get("tensors")).hasSize(1131);
    }

    private static String autoV3(Path file) {
        return JsonMapper.shared()
                .readTree(Run.atelier("hash", "--json", file).out())
                .get(0)
                .get("sshs_model_hash")
                .asString();
    }
}
