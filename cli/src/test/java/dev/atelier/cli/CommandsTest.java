package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.PngFile;
import dev.atelier.engine.contract.Miniature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands on the miniature, as a user types them. */
class CommandsTest {
    @TempDir
    static Path folder;

    private static Path miniature;

    /** What identifies all weights of a file, whatever its metadata. */
    private static String weights(Path file) {
        return FileHashes.of(file, Progress.NONE).dataSha256().orElseThrow();
    }

    @BeforeAll
    static void unpack() {
        miniature = Miniature.unpack(folder);
    }

    @Test
    void inspectCountsWhatIsInTheFile() {
        Run run = Run.atelier("inspect", miniature);
        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("Stable Diffusion 1.x")
                .contains("yes, for generating pictures")
                .contains("2,143,028")
                .contains("F16 (1130), I64 (1)")
                .contains("atelier.norm_num_groups = 4");
    }

    @Test
    void inspectAsJsonListsEveryTensor() {
        JsonNode json = JsonMapper.shared()
                .readTree(Run.atelier("inspect", "--json", miniature).out());
        assertThat(json.get("architecture").asString()).isEqualTo("sd1");
        assertThat(json.get("usable").asBoolean()).isTrue();
        assertThat(json.get("tensors")).hasSize(1131);
        assertThat(json.at("/tensors/first_stage_model.decoder.conv_in.bias/dtype")
                        .asString())
                .isEqualTo("F16");
        assertThat(json.at("/metadata/format").asString()).isEqualTo("pt");
    }

    @Test
    void mergeWritesACheckpointThatDraws() throws IOException {
        Path merged = folder.resolve("merged.safetensors");
        Run run = Run.atelier("merge", miniature, miniature, "-m", "0.5", "--dtype", "fp32", "-o", merged);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("merged.safetensors").contains("1131 tensors");
        Checkpoint written = Checkpoints.open(merged);
        assertThat(written.tensor("model.diffusion_model.out.2.weight").dtype()).isEqualTo(DType.F32);
        assertThat(written.metadata()).containsEntry("atelier.norm_num_groups", "4");

        Path picture = folder.resolve("merged.png");
        run = Run.atelier(
                "generate",
                "a cat",
                "--model",
                merged,
                "--steps",
                1,
                "--width",
                64,
                "--height",
                128,
                "--seed",
                7,
                "-o",
                picture);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(ImageIO.read(picture.toFile()).getWidth()).isEqualTo(64);
        assertThat(PngFile.readInfotext(picture).orElseThrow())
                .startsWith(
                        "a cat\nSteps: 1, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.0, Seed: 7, Size: 64x128,")
                .contains("Model: merged");
    }

    @Test
    void threeModelsAreMergedByAddingTheDifference() throws IOException {
        Path merged = folder.resolve("difference.safetensors");
        Run run = Run.atelier("merge", miniature, miniature, miniature, "-o", merged);
        assertThat(run.exitCode()).as(run.err()).isZero();
        // A + M·(A − A) is A, but for negative zeros
        assertThat(Checkpoints.open(merged).byteSize())
                .isEqualTo(Checkpoints.open(miniature).byteSize());
    }

    @Test
    void aBatchIsNumberedAndItsPicturesDiffer() throws IOException {
        Path picture = folder.resolve("batch.png");
        Run run = Run.atelier(
                "generate",
                "a cat",
                "--model",
                miniature,
                "--steps",
                1,
                "--width",
                64,
                "--height",
                64,
                "--batch",
                2,
                "--seed",
                7,
                "-o",
                picture);
        assertThat(run.exitCode()).as(run.err()).isZero();
        byte[] first = Files.readAllBytes(folder.resolve("batch-1.png"));
        assertThat(first).isNotEqualTo(Files.readAllBytes(folder.resolve("batch-2.png")));
        assertThat(picture).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--steps=0", "--width=501", "--sampler=Eulre", "--cfg=-1", "--batch=65", "--steps=many"})
    void aBadOptionIsExplainedBeforeAnythingIsLoaded(String option) {
        Run run = Run.atelier("generate", "a cat", option, "-o", folder.resolve("never.png"));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).startsWith("atelier: ").contains(option.substring(option.indexOf('=') + 1));
        assertThat(folder.resolve("never.png")).doesNotExist();
    }

    @Test
    void theNumberOfModelsMustFitTheMethod() {
        Run run = Run.atelier(
                "merge", miniature, miniature, "--method", "add-difference", "-o", folder.resolve("never.safetensors"));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("add-difference merges 3 models, but 2 are given");
    }

    @Test
    void withoutACommandTheCommandsAreListed() {
        Run run = Run.atelier();
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("generate").contains("convert").contains("Exit codes");
    }

    @Test
    void convertHalvesAFileAndTheResultIsSound() throws IOException {
        Path wide = folder.resolve("wide.safetensors");
        Path narrow = folder.resolve("narrow.safetensors");
        assertThat(Run.atelier("convert", miniature, "--dtype", "fp32", "-o", wide)
                        .exitCode())
                .isZero();
        Run run = Run.atelier("convert", wide, "--dtype", "FP16", "--prune", "-o", narrow);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("narrow.safetensors").contains("1131 tensors");
        assertThat(weights(narrow)).isEqualTo(weights(miniature));
    }

    @Test
    void convertWritesAFolderForDiffusersAndReadsItBack() throws IOException {
        Path model = folder.resolve("diffusers");
        Run run = Run.atelier("convert", miniature, "--layout", "diffusers", "-o", model);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("1 in all: cond_stage_model.transformer.text_model.embeddings.position_ids");
        assertThat(model.resolve("tokenizer/vocab.json")).exists();
        assertThat(Run.atelier("convert", miniature, "--layout", "diffusers", "-o", model)
                        .exitCode())
                .isEqualTo(Main.BAD_INPUT);

        Path back = folder.resolve("back.safetensors");
        assertThat(Run.atelier("convert", model, "-o", back).exitCode()).isZero();
        Checkpoint original = Checkpoints.open(miniature);
        Checkpoint again = Checkpoints.open(back);
        assertThat(again.tensors()).hasSize(original.tensors().size() - 1);
        assertThat(again.metadata()).containsEntry("atelier.norm_num_groups", "4");
        again.tensors()
                .forEach((name, tensor) -> assertThat(tensor.mapped()
                                .orElseThrow()
                                .mismatch(original.tensor(name).mapped().orElseThrow()))
                        .as(name)
                        .isEqualTo(-1));
    }

    @Test
    void convertReportsWhatANarrowTypeLoses() {
        Path small = folder.resolve("eight.safetensors");
        Run run = Run.atelier("convert", miniature, "--dtype", "fp8_e4m3fn", "-o", small);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("weights were too small for the new precision and are zero now");
        assertThat(Run.atelier("inspect", small).out()).contains("F8_E4M3").contains("yes, for generating pictures");
    }

    @Test
    void aPartIsExtractedAndPutBack() {
        for (String part : new String[] {"unet", "vae", "text-encoder"}) {
            Path file = folder.resolve(part + ".safetensors");
            Run run = Run.atelier("convert", miniature, "--extract", part, "-o", file);
            assertThat(run.exitCode()).as(run.err()).isZero();
            Path back = folder.resolve("with-" + part + ".safetensors");
            assertThat(Run.atelier("convert", miniature, "--" + part, file, "-o", back)
                            .exitCode())
                    .isZero();
            assertThat(weights(back)).isEqualTo(weights(folder.resolve("with-unet.safetensors")));
        }
    }

    @Test
    void scanSaysWhichNamesAreRefused() throws IOException {
        Path downloads = Files.createDirectories(folder.resolve("downloads"));
        Files.writeString(downloads.resolve("readme.txt"), "nothing");
        Files.writeString(downloads.resolve("evil.ckpt"), "cos\nsystem\n(S'echo'\ntR.");
        Files.copy(miniature, downloads.resolve("good.safetensors"));

        Run run = Run.atelier("scan", downloads);

        assertThat(run.exitCode()).isEqualTo(Main.REFUSED);
        assertThat(run.out())
                .contains("evil.ckpt: REFUSED (bare pickle)")
                .contains("REFUSED     1× os.system   (pickle, byte 0)")
                .contains("good.safetensors: ok (safetensors, which holds no pickle)")
                .contains("2 files scanned, 1 refused");
        JsonNode json = JsonMapper.shared()
                .readTree(Run.atelier("scan", "--json", downloads.resolve("evil.ckpt"))
                        .out());
        assertThat(json.at("/0/globals/0/module").asString()).isEqualTo("os");
        assertThat(json.at("/0/clean").asBoolean()).isFalse();
        assertThat(Run.atelier("scan", miniature).exitCode()).isZero();
    }

    @Test
    void exportWritesAFolderForEachNetwork() {
        Path output = folder.resolve("onnx");
        Run run = Run.atelier("export", "onnx", miniature, "-o", output);
        assertThat(run.exitCode()).as(run.err()).isZero();
        for (String network : List.of("text_encoder", "unet", "vae_decoder")) {
            assertThat(output.resolve(network)).isDirectoryContaining("glob:**/model.onnx");
            assertThat(output.resolve(network)).isDirectoryContaining("glob:**/weights.safetensors");
        }
        assertThat(Run.atelier("export", "onnx", miniature, "-o", output).exitCode())
                .isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "convert",
                "diff",
                "explain",
                "export",
                "generate",
                "hash",
                "inspect",
                "merge",
                "metadata",
                "models",
                "rebuild",
                "scan",
                "verify"
            })
    void everyCommandExplainsItselfWithExamples(String command) {
        Run run = Run.atelier(command, "--help");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("Examples:").contains("atelier " + command);
    }
}
