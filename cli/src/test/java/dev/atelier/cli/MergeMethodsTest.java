package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.merge.MergeMethods;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The options of {@code atelier merge}, on models of two numbers: one in the UNet's block IN04, one in the VAE. */
class MergeMethodsTest {
    private static final String UNET = "model.diffusion_model.input_blocks.4.1.norm.weight";
    private static final String VAE = "first_stage_model.decoder.conv_in.bias";

    @TempDir
    Path folder;

    private Path a;
    private Path b;
    private Path merged;

    @BeforeEach
    void writeModels() throws IOException {
        a = model("a.safetensors", 1, 10);
        b = model("b.safetensors", 3, 30);
        merged = folder.resolve("merged.safetensors");
    }

    private Path model(String name, float unet, float vae) throws IOException {
        String member = "\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]}";
        byte[] header = "{%s,%s}"
                .formatted(member.formatted(UNET, 0, 4), member.formatted(VAE, 4, 8))
                .getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + header.length + 8).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(header.length).put(header).putFloat(unet).putFloat(vae);
        return Files.write(folder.resolve(name), file.array());
    }

    private float number(String tensor) {
        float[] value = new float[1];
        Checkpoints.open(merged).tensor(tensor).read(0, value, 1);
        return value[0];
    }

    private void assertRefused(String message, Object... arguments) {
        Run run = Run.atelier(
                Stream.concat(Stream.of("merge"), Stream.of(arguments)).toArray());
        assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
        assertThat(run.err()).contains(message);
        assertThat(merged).doesNotExist();
    }

    @Test
    void theListExplainsEveryMethodWithoutAModel() {
        Run run = Run.atelier("merge", "--list");

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out().lines())
                .filteredOn(line -> line.matches("\\S.*"))
                .hasSameSizeAs(MergeMethods.all())
                .anySatisfy(line -> assertThat(line).startsWith("slerp  (2 models: A, B)"));
        assertThat(run.out()).contains("t (-m): 0 is A, 1 is B; any number; default 0.5");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "--method max; 3; 30",
                "--method weighted-sum -m 0.25; 1.5; 15",
                "--method weighted-sum --compat none; 1.6; 16",
                "--compat a1111; 1.6; 16",
                "--method linear --param weights=3,1; 1.5; 15",
                "-m 0.5 --unet 0.75; 2.5; 20",
                "-m 0.5 --vae 0; 2; 10",
                "-m 0.5 --only diffusion_model; 2; 10",
                "-m 0.5 --except ^model; 1; 20",
                "--block-weights 0.5,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0; 3; 20",
                "--block-weights FLAT_75 --vae 1; 2.5; 30",
                "--block-weights FLAT_75 --elements IN03-IN05:norm:0; 1; 10",
                "-m 0.5 --elements NOT:VAE:1; 2; 20",
            })
    void optionsSayWhatIsMergedAndHowMuch(String options, float unet, float vae) {
        Run run = Run.atelier(Stream.of(Stream.of("merge", a, b, "-o", merged), Stream.of(options.split(" ")))
                .flatMap(part -> part)
                .toArray());

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(number(UNET)).isEqualTo(unet);
        assertThat(number(VAE)).isEqualTo(vae);
    }

    @Test
    void anyNumberOfModelsIsAveraged() throws IOException {
        Path c = model("c.safetensors", 5, 50);
        Path d = model("d.safetensors", 7, 70);

        Run run = Run.atelier("merge", a, b, c, d, "--method", "average", "-o", merged);

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(number(UNET)).isEqualTo(4);
    }

    @Test
    void mistakesAreNamed() {
        assertRefused("there is no merge method \"median-sum\"", a, b, "--method", "median-sum", "-o", merged);
        assertRefused(
                "add-difference merges 3 models, but 2 are given", a, b, "--method", "add-difference", "-o", merged);
        assertRefused(
                "slerp has no parameter \"alpha\"; it has t, variant",
                a,
                b,
                "--method",
                "slerp",
                "--param",
                "alpha=1",
                "-o",
                merged);
        assertRefused(
                "geometric-sum: alpha must be between 0 and 1, not \"1.5\"",
                a,
                b,
                "--method",
                "geometric-sum",
                "-m",
                "1.5",
                "-o",
                merged);
        assertRefused("max has no multiplier", a, b, "--method", "max", "-m", "1", "-o", merged);
        assertRefused("26 block weights are needed, not 3", a, b, "--block-weights", "1,2,3", "-o", merged);
        assertRefused("there is no preset of block weights \"GRAD\"", a, b, "--block-weights", "GRAD", "-o", merged);
        assertRefused("\"IN99\"", a, b, "--elements", "IN99::1", "-o", merged);
        assertRefused("-m and --param alpha", a, b, "-m", "1", "--param", "alpha=1", "-o", merged);
        assertRefused("both set the UNet", a, b, "--unet", "1", "--block-weights", "GRAD_V", "-o", merged);
    }
}
