package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.Miniature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Expressions where commands take models. */
class ExpressionTest {
    @TempDir
    static Path folder;

    private static Path models;

    @BeforeAll
    static void unpack() throws IOException {
        models = Files.createDirectories(folder.resolve("models/sub"));
        Path mini = Miniature.unpack(folder);
        Files.copy(mini, models.resolve("mini v1.0.safetensors"));
        assertThat(Run.atelier("merge", mini, "--method", "scale", "-m", 1.1, "-o", models.resolve("other.safetensors"))
                        .exitCode())
                .isZero();
    }

    private static Run atelier(Object... arguments) {
        Object[] all = java.util.Arrays.copyOf(arguments, arguments.length + 2);
        all[arguments.length] = "--models";
        all[arguments.length + 1] = models.getParent();
        return Run.atelier(all);
    }

    /** The hash of all weights that a command has written: its recipe says how it was called. */
    private static String written(String name, Object... arguments) {
        Path file = folder.resolve(name);
        Object[] all = java.util.Arrays.copyOf(arguments, arguments.length + 2);
        all[arguments.length] = "-o";
        all[arguments.length + 1] = file;
        Run run = atelier(all);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return FileHashes.of(file, Progress.NONE).dataSha256().orElseThrow();
    }

    @Test
    void mergeAndConvertWriteWhatAnExpressionStandsFor() {
        String expected = written("1.safetensors", "merge", "mini v1.0", "other", "-m", 0.25, "--dtype", "fp32");
        assertThat(written("2.safetensors", "merge", "0.75*\"mini v1.0\" + 0.25*other", "--dtype", "fp32"))
                .isEqualTo(expected);
        assertThat(written("3.safetensors", "convert", "(0.75*\"mini v1.0\" + 0.25*other).fp32()"))
                .isEqualTo(expected);
        assertThat(written("4.safetensors", "merge", "mini v1.0", "'mini v1.0'.slerp(other, 0)", "-m", 1))
                .isNotEqualTo(expected);
    }

    @Test
    void inspectLooksThroughAnExpression() {
        Run run = atelier("inspect", "\"mini v1.0\".fp32()");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("Stable Diffusion 1.x").contains("F32 (1130), I64 (1)");
    }

    @Test
    void exportTakesAnExpression() {
        Run run = atelier("export", "onnx", "0.5*other + 0.5*\"mini v1.0\"", "-o", folder.resolve("onnx"));
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(folder.resolve("onnx/unet/model.onnx")).exists();
    }

    @Test
    void aPictureSaysWhichExpressionDrewIt() throws IOException {
        Path picture = folder.resolve("picture.png");
        Run run = atelier(
                "generate",
                "a cat",
                "--model",
                "0.5*other + 0.5*\"mini v1.0\"",
                "--steps",
                1,
                "--width",
                64,
                "--height",
                64,
                "-o",
                picture);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(dev.atelier.diffusion.PngFile.readInfotext(picture).orElseThrow())
                .contains("Model: 0.5*other + 0.5*")
                .doesNotContain("Model hash");
    }

    @Test
    void aMistakeIsShownWhereItIs() {
        Run run = atelier("inspect", "0.7*othre + 0.3*other");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err().lines())
                .containsExactly(
                        "atelier: there is no such file or model as \"othre\"; did you mean \"other\"?",
                        "  0.7*othre + 0.3*other",
                        "      ^");
    }

    @Test
    void aMissingFileIsNamedAndNotWhatIsMadeOfIt() {
        for (Run run : List.of(
                atelier("inspect", "nowhere.ckpt"),
                atelier("merge", "other", "nowhere.ckpt", "-o", "merged.safetensors"))) {
            assertThat(run.exitCode()).isEqualTo(2);
            assertThat(run.err().lines())
                    .containsExactly(
                            "atelier: there is no such file or model as \"nowhere.ckpt\"; give its path, or the folder"
                                    + " it is in with --models");
        }
    }
}
