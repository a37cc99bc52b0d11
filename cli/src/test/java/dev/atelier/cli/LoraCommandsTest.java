package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Miniature;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

    /** With lengths of its own (DoRA) it can be merged for one model only, to which the result does what the two do. */
    @Test
    void whatDependsOnTheModelIsMergedForOne() {
        Path model = folder.resolve("tuned.safetensors");
        Map<String, Tensor> tensors =
                new LinkedHashMap<>(Checkpoints.open(style).tensors());
        String layer = tensors.keySet().stream()
                .filter(name -> name.startsWith("lora_unet") && name.endsWith("to_q.lora_up.weight"))
                .findFirst()
                .orElseThrow()
                .replace(".lora_up.weight", "");
        int rows = (int) tensors.get(layer + ".lora_up.weight").shape().size(0);
        float[] lengths = new float[rows];
        Arrays.fill(lengths, 0.5f);
        tensors.put(layer + ".dora_scale", Tensor.of(DType.F32, Shape.of(rows, 1), MemorySegment.ofArray(lengths)));
        Path dora = folder.resolve("dora.safetensors");
        Checkpoint.of(List.of(), tensors, Map.of()).writeTo(dora, Progress.NONE);

        Run refused = Run.atelier("lora", "merge", dora + ":0.7", style, "-o", folder.resolve("no.safetensors"));
        assertThat(refused.exitCode()).isEqualTo(Main.BAD_INPUT);
        assertThat(refused.err()).contains("--model MODEL");

        Path plain = folder.resolve("plain.safetensors");
        run("lora", "merge", dora + ":0.7", style + ":0.5", "--model", model, "--rank", 64, "-o", plain);
        Path expected = folder.resolve("expected.safetensors");
        run("merge", "lora(\"%s\".fp32(), \"%s\":0.7, \"%s\":0.5)".formatted(model, dora, style), "-o", expected);
        Path actual = folder.resolve("actual.safetensors");
        run("merge", "lora(\"%s\".fp32(), \"%s\")".formatted(model, plain), "-o", actual);
        Checkpoints.open(expected).tensors().forEach((name, tensor) -> {
            float[] wanted = floats(tensor);
            float[] given = floats(Checkpoints.open(actual).tensor(name));
            for (int i = 0; i < wanted.length; i++) {
                assertThat(given[i]).as(name).isCloseTo(wanted[i], within(1e-3f * (1 + Math.abs(wanted[i]))));
            }
        });
    }

    private static float[] floats(Tensor tensor) {
        float[] values = new float[(int) tensor.shape().elements()];
        tensor.read(0, values, values.length);
        return values;
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
