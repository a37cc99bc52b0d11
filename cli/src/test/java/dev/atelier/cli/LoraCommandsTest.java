package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.engine.contract.Miniature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lora commands, as a user types them. */
class LoraCommandsTest {
    @TempDir
    static Path folder;

    private static Path style;

    @BeforeAll
    static void extract() throws IOException {
        Path base = Miniature.unpack(folder);
        Path tuned = folder.resolve("tuned.safetensors");
        run("merge", base, "--method", "scale", "-m", 1.1, "-o", tuned);
        style = folder.resolve("style.safetensors");
        Run run = run("lora", "extract", tuned, base, "--rank", 4, "--conv-rank", 2, "-o", style);
        assertThat(run.out()).contains("style.safetensors").contains("tensors");
    }

    private static Run run(Object... arguments) {
        Run run = Run.atelier(arguments);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return run;
    }

    @Test
    void whatIsExtractedIsALoraInHalfPrecisionThatFitsItsBase() {
        assertThat(Checkpoints.open(style).tensors().values()).allMatch(tensor -> tensor.dtype() == DType.F16);
        assertThat(run("inspect", style).out()).contains("LoCon").contains("4");
    }

    @Test
    void mergedResizedAndRenamedLorasAreMadeAgainToTheBit() throws IOException {
        Path both = folder.resolve("both.safetensors");
        run("lora", "merge", style + ":0.5", style + ":-1:2", "-o", both);
        Path small = folder.resolve("small.safetensors");
        run("lora", "resize", both, "--rank", 3, "--sv-fro", 0.9, "-o", small);
        Path renamed = folder.resolve("renamed.safetensors");
        run("lora", "convert", small, "--to", "diffusers", "-o", renamed);
        Path back = folder.resolve("back.safetensors");
        run("lora", "convert", renamed, "--to", "kohya", "-o", back);
        assertThat(Checkpoints.open(back).tensors().keySet())
                .isEqualTo(Checkpoints.open(small).tensors().keySet());
        for (Path made : new Path[] {style, both, small, renamed}) {
            Path again = folder.resolve("again.safetensors");
            run("rebuild", made, "-o", again, "--overwrite");
            assertThat(Files.mismatch(made, again)).as(made.toString()).isEqualTo(-1);
        }
    }

    @Test
    void mistakesAreToldInOneSentence() {
        Run noRank = Run.atelier("lora", "resize", style, "-o", folder.resolve("no.safetensors"));
        assertThat(noRank.exitCode()).isEqualTo(Main.BAD_INPUT);
        assertThat(noRank.err()).contains("resize-lora needs a rank");
        Run missing = Run.atelier("lora", "merge", "nothing:0.5", "-o", folder.resolve("no.safetensors"));
        assertThat(missing.exitCode()).isEqualTo(Main.BAD_INPUT);
        assertThat(missing.err()).contains("no such file or model as \"nothing\"");
        assertThat(folder.resolve("no.safetensors")).doesNotExist();
    }
}
