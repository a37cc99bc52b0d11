package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.Infotext;
import dev.atelier.diffusion.PngFile;
import dev.atelier.engine.contract.Miniature;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GridTest {
    @TempDir
    static Path folder;

    private static Path miniature;

    @BeforeAll
    static void unpack() {
        miniature = Miniature.unpack(folder);
    }

    private static GridAxis axis(String text) {
        return GridAxis.of(
                text, GenerateCommand.options(), GenerationRequest.of("a cat").negativePrompt("a dog"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "steps=5,10,20|5 10 20",
                "steps=1-5|1 2 3 4 5",
                "steps=1-9 (+2)|1 3 5 7 9",
                "steps=10-1 (-3)|10 7 4 1",
                "steps=1-10[4]|1 4 7 10",
                "cfg=1-2 (+0.5)|1 1.5 2",
                "cfg=1-2[3]|1 1.5 2",
                "seed=3,7-8|3 7 8",
                "sampler=\"Euler a\", DDIM|Euler a DDIM",
                "tiling=yes,no|yes no"
            })
    void valuesAreReadAsInAutomatic1111(String text, String values) {
        assertThat(String.join(" ", axis(text).values())).isEqualTo(values);
    }

    @Test
    void anOptionBecomesAnArgumentAndAFlagIsThereOrNot() {
        assertThat(axis("steps=5").settings().getFirst().arguments()).containsExactly("--steps", "5");
        assertThat(axis("tiling=yes").settings().getFirst().arguments()).containsExactly("--tiling");
        assertThat(axis("tiling=no").settings().getFirst().arguments()).isEmpty();
    }

    @Test
    void theFirstValueOfPromptIsReplacedByTheOthers() {
        GenerationRequest changed =
                axis("prompt=cat,\"dog, asleep\"").settings().get(1).change().apply(GenerationRequest.of("a cat"));
        assertThat(changed.prompt()).isEqualTo("a dog, asleep");
        assertThat(axis("prompt=dog,fox")
                        .settings()
                        .get(1)
                        .change()
                        .apply(GenerationRequest.of("").negativePrompt("dog"))
                        .negativePrompt())
                .isEqualTo("fox");
        assertThatThrownBy(() -> axis("prompt=bird,fox")).hasMessageContaining("bird");
    }

    @ParameterizedTest
    @CsvSource({"steps", "stepz=4", "output=a.png", "steps=", "tiling=perhaps", "steps=1-5 (+0)"})
    void whatIsNoAxisIsRefused(String text) {
        assertThatThrownBy(() -> axis(text)).isInstanceOf(IllegalArgumentException.class);
    }

    /** AUTOMATIC1111's order: the first part changes fastest. */
    @Test
    void aMatrixHasEachPartWithAndWithout() {
        List<GridAxis> axes = GridAxis.matrix("a [cat|dog]|rain, |at night|large");
        GenerationRequest start = GenerationRequest.of("a [cat|dog]|rain, |at night|large");
        List<String> prompts = axes.get(1).settings().stream()
                .flatMap(row -> axes.get(0).settings().stream()
                        .map(column ->
                                row.change().apply(column.change().apply(start)).prompt()))
                .toList();
        assertThat(prompts)
                .containsExactly(
                        "a [cat|dog]",
                        "a [cat|dog], rain",
                        "a [cat|dog], at night",
                        "a [cat|dog], rain, at night",
                        "a [cat|dog], large",
                        "a [cat|dog], rain, large",
                        "a [cat|dog], at night, large",
                        "a [cat|dog], rain, at night, large");
    }

    @Test
    void aGridHoldsThePicturesThatGenerateDraws() throws IOException {
        Path grid = folder.resolve("grid.png");
        Path kept = folder.resolve("kept");
        Run run = Run.atelier(
                "grid",
                "a cat",
                "--model",
                miniature,
                "--width",
                64,
                "--height",
                64,
                "--seed",
                7,
                "--x",
                "steps=1,2",
                "--y",
                "sampler=Euler,DDIM",
                "--z",
                "cfg=1,3",
                "--margin",
                0,
                "--keep",
                kept,
                "-o",
                grid);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("8 pictures");
        assertThat(Infotext.parse(PngFile.readInfotext(grid).orElseThrow()).parameters())
                .containsEntry("Script", "X/Y/Z plot")
                .containsEntry("X Type", "Steps")
                .containsEntry("Y Values", "Euler, DDIM")
                .containsEntry("Seed", "7");

        Path alone = folder.resolve("alone.png");
        run = Run.atelier(
                "generate",
                "a cat",
                "--model",
                miniature,
                "--width",
                64,
                "--height",
                64,
                "--seed",
                7,
                "--steps",
                2,
                "--sampler",
                "DDIM",
                "--cfg",
                3,
                "-o",
                alone);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(Files.readAllBytes(kept.resolve("0008.png"))).isEqualTo(Files.readAllBytes(alone));
        BufferedImage sheet = ImageIO.read(grid.toFile());
        BufferedImage picture = ImageIO.read(alone.toFile());
        int[] corner = sheet.getRGB(sheet.getWidth() - 64, sheet.getHeight() - 64, 64, 64, null, 0, 64);
        assertThat(corner).isEqualTo(picture.getRGB(0, 0, 64, 64, null, 0, 64));
    }

    @Test
    void aFileOfPromptsGivesAPictureALine() throws IOException {
        Path prompts = folder.resolve("prompts.txt");
        Files.writeString(prompts, """
                a cat, asleep

                --prompt "a dog" --negative_prompt 'rain' --sampler_name "Euler a" --steps 1 --seed 9
                """);
        Path picture = folder.resolve("lines.png");
        Run run = Run.atelier(
                "generate",
                "--prompts",
                prompts,
                "--model",
                miniature,
                "--steps",
                2,
                "--width",
                64,
                "--height",
                64,
                "--seed",
                4,
                "-o",
                picture);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(PngFile.readInfotext(folder.resolve("lines-1.png")).orElseThrow())
                .startsWith("a cat, asleep\nSteps: 2, Sampler: DPM++ 2M,")
                .contains("Seed: 4,");
        assertThat(PngFile.readInfotext(folder.resolve("lines-2.png")).orElseThrow())
                .startsWith("a dog\nNegative prompt: rain\nSteps: 1, Sampler: Euler a,")
                .contains("Seed: 9,");
        Files.writeString(prompts, "--prompt a --model b");
        assertThat(Run.atelier("generate", "--prompts", prompts).err()).contains("cannot have --model");
    }
}
