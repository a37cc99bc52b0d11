package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.Progress;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trainings as a user types them. */
class TrainingCommandsTest {
    private static final int STEPS = 30;

    @TempDir
    private Path folder;

    @BeforeEach
    void draw() throws IOException {
        Path pictures = Files.createDirectories(folder.resolve("pictures"));
        for (int i = 0; i < 2; i++) {
            BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
            Graphics2D graphics = image.createGraphics();
            graphics.setColor(Color.ORANGE);
            graphics.fillRoundRect(8, 8, 40 + 8 * i, 40, 16, 16);
            graphics.dispose();
            ImageIO.write(image, "png", pictures.resolve(i + ".png").toFile());
        }
        Files.writeString(pictures.resolve("broken.png"), "no picture");
    }

    private List<String> training(String name) {
        return new ArrayList<>(List.of(
                "train",
                "lora",
                "--data",
                folder.resolve("pictures").toString(),
                "--prompt",
                "a sks badge",
                "--resolution",
                "64",
                "--rank",
                "2",
                "--steps",
                Integer.toString(STEPS),
                "--save-state-every",
                "1",
                "-o",
                folder.resolve(name + ".safetensors").toString()));
    }

    private static String weights(Path file) {
        return FileHashes.of(file, Progress.NONE).dataSha256().orElseThrow();
    }

    @Test
    void aTrainingThatIsKilledGoesOnAndEndsTheSame() throws IOException, InterruptedException {
        Path table = folder.resolve("killed.safetensors.state/model-loss.csv");
        Process process = start(training("killed"));
        while (process.isAlive()
                && (!Files.exists(table) || Files.readAllLines(table).size() < 4)) {
            Thread.sleep(20);
        }
        process.destroyForcibly().waitFor(1, TimeUnit.MINUTES);
        assertThat(folder.resolve("killed.safetensors")).doesNotExist();
        int done = Files.readAllLines(table).size() - 1;
        assertThat(done).isBetween(3, STEPS - 1);

        assertThat(Run.atelier(training("killed").toArray()).exitCode()).isZero();
        Run straight = Run.atelier(training("straight").toArray());
        assertThat(straight.exitCode()).isZero();
        assertThat(straight.err()).contains("skipped").contains("broken.png");
        assertThat(weights(folder.resolve("killed.safetensors")))
                .isEqualTo(weights(folder.resolve("straight.safetensors")));
        assertThat(table).hasSameTextualContentAs(folder.resolve("straight.safetensors.state/model-loss.csv"));
    }

    private static Process start(List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName()));
        command.addAll(arguments);
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    @Test
    void optionsMayStandInAFileUnderKohyasNames() throws IOException {
        Path config = folder.resolve("lora.toml");
        Files.writeString(config, """
                output = "%s"
                cache_latents = true
                enable_bucket = false

                [network]
                network_dim = 3
                network_train_unet_only = true

                [training]
                instance_data_dir = "%s"
                instance_prompt = "a sks badge"
                resolution = "64"
                max_train_steps = 5
                learning_rate = 1e-3
                """.formatted(folder.resolve("file.safetensors"), folder.resolve("pictures")));
        Run run = Run.atelier("train", "lora", "--config", config, "--steps", "1");
        assertThat(run.err()).doesNotContain("line ");
        assertThat(run.exitCode()).isZero();
        assertThat(Run.atelier("metadata", folder.resolve("file.safetensors")).out())
                .contains("ss_network_dim")
                .containsPattern("ss_steps\\W+1\\b");
    }

    @Test
    void optionsMayStandInYaml() throws IOException {
        Path config = folder.resolve("tuned.yaml");
        Files.writeString(config, """
                output: "%s"
                mixed_precision: "no"
                training:
                  instance_data_dir: "%s"
                  instance_prompt: a sks badge
                  resolution: 64
                  max_train_steps: 2
                  max_token_length: 150
                  lr_scheduler: warmup_stable_decay
                  lr_warmup_steps: 0.5
                  lr_decay_steps: 1
                  adam_beta2: 0.99
                  optimizer_args: ["eps=1e-7"]
                  use_ema: true
                  ema_schedule: diffusers
                """.formatted(folder.resolve("tuned.safetensors"), folder.resolve("pictures")));
        Run run = Run.atelier("train", "finetune", "--config", config);
        assertThat(run.err()).doesNotContain("line ");
        assertThat(run.exitCode()).isZero();
        assertThat(Run.atelier("metadata", folder.resolve("tuned.safetensors")).out())
                .contains("WARMUP_STABLE_DECAY")
                .contains("beta2=0.99")
                .contains("epsilon=1.0E-7")
                .contains("Diffusers[decay=0.9999");
    }

    @Test
    void aConstantThatAnOptimizerDoesNotHaveIsNamed() {
        Run run = Run.atelier(
                "train",
                "lora",
                "--data",
                folder.resolve("pictures"),
                "-o",
                folder.resolve("x.safetensors"),
                "--optimizer",
                "lion",
                "--optimizer-arg",
                "d_coef=2");
        assertThat(run.exitCode()).isEqualTo(Main.BAD_INPUT);
        assertThat(run.err()).contains("lion has no d_coef");
    }

    @Test
    void anOptionThatThereIsNotIsNamedWithItsFile() throws IOException {
        Path config = folder.resolve("lora.toml");
        Files.writeString(config, "network_dimension = 4\n");
        Run run = Run.atelier("train", "lora", "--config", config);
        assertThat(run.exitCode()).isEqualTo(Main.BAD_INPUT);
        assertThat(run.err()).contains("lora.toml").contains("network_dimension");
        Files.writeString(config, "network_dim = \n");
        assertThat(Run.atelier("train", "lora", "--config", config).err()).contains("lora.toml, line 1");
    }

    @Test
    void whatIsMissingIsNamed() {
        Path output = folder.resolve("out.safetensors");
        assertThat(Run.atelier("train", "lora", "-o", output).err()).contains("--data");
        assertThat(Run.atelier("train", "ti", "-o", output, "--data", folder.resolve("pictures"))
                        .err())
                .contains("--word");
        assertThat(Run.atelier("train", "lora", "-o", output, "--data", folder.resolve("nowhere"))
                        .err())
                .contains("nowhere");
        assertThat(Run.atelier("train", "dreambooth", "-o", output, "--data", folder, "--resolution", "100")
                        .err())
                .contains("--resolution");
    }
}
