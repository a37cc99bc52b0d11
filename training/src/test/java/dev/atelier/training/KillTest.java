package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.Progress;
import dev.atelier.model.DemoModel;
import dev.atelier.training.TrainingPlan.Kind;
import dev.atelier.training.setting.Settings;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training in a process of its own that is killed again and again, at random moments; {@code -Dkills=100} for as many,
 * {@code -Dkilled=LORA} for another kind of training.
 */
class KillTest {
    private static final int STEPS = 24;
    private static final int SAVE_EVERY = 3;
    private static final int KILLS = Integer.getInteger("kills", 3);
    private static final Kind KIND = Kind.valueOf(System.getProperty("killed", "FINETUNE"));
    private static final long MOST_WAIT = 1500; // milliseconds after the first step of an attempt

    @TempDir
    private Path folder;

    /** The process: trains, and notes the number of each step as soon as it is done. */
    public static void main(String[] arguments) throws IOException {
        Path place = Path.of(arguments[0]);
        Settings settings = Settings.NONE
                .with("data", place.resolveSibling("pictures"))
                .with("prompt", "a grey square")
                .with("resolution", 64)
                .with("ema", 0.9)
                .with("steps", STEPS)
                .with("save-every", SAVE_EVERY)
                .with("save-state-every", SAVE_EVERY)
                .with("output", place.resolve("out.safetensors"));
        settings = switch (KIND) {
            case LORA -> settings.with("conv-rank", 4).with("rank-dropout", 0.2);
            case DREAMBOOTH ->
                settings.with("text-encoder", true)
                        .with("class-prompt", "a square")
                        .with("class-images", 2);
            case FINETUNE -> settings.with("text-encoder", true);
            case TI -> settings.with("word", "my-square").with("init", "square");
        };
        Checkpoint model = Checkpoints.open(place.resolveSibling("model.safetensors"));
        try (OutputStream steps =
                Files.newOutputStream(place.resolve("steps"), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            FineTuning.run(model, TrainingPlan.of(KIND, settings), step -> {
                try {
                    steps.write(step.step());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }

    private static Process start(Path place) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                        "-Dkilled=" + KIND,
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        KillTest.class.getName(),
                        place.toString())
                .redirectErrorStream(true)
                .redirectOutput(Redirect.to(place.resolve("log").toFile()))
                .start();
    }

    @Test
    void whatIsKilledLosesAtMostTheStepsSinceItsLastSave() throws IOException, InterruptedException {
        Files.move(DemoModel.unpack(folder), folder.resolve("model.safetensors"));
        Files.createDirectories(folder.resolve("pictures"));
        BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
        ImageIO.write(image, "png", folder.resolve("pictures/1.png").toFile());
        Path straight = Files.createDirectories(folder.resolve("straight"));
        assertThat(start(straight).waitFor()).as(() -> log(straight)).isZero();

        Path killed = Files.createDirectories(folder.resolve("killed"));
        SplittableRandom random = new SplittableRandom();
        int saved = 0;
        int lost = 0;
        int inSave = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            Process process = start(killed);
            if (kill % 4 < 3) {
                long before = size(killed.resolve("steps"));
                while (process.isAlive() && size(killed.resolve("steps")) == before) {
                    Thread.sleep(5);
                }
            }
            if (process.waitFor(random.nextLong(MOST_WAIT), TimeUnit.MILLISECONDS)) {
                assertThat(process.exitValue()).as(() -> log(killed)).isZero();
                forget(killed); // it was faster than its killer
                saved = 0;
                continue;
            }
            process.destroyForcibly().waitFor();
            inSave += isHalfWritten(killed) ? 1 : 0;
            int now = savedSteps(killed);
            assertThat(now).isGreaterThanOrEqualTo(saved);
            int done = last(killed.resolve("steps"));
            assertThat(done - now).isBetween(0, SAVE_EVERY);
            lost += done - now;
            saved = now;
        }
        System.out.printf("%d kills, %d of them while something was written; %d steps lost%n", KILLS, inSave, lost);
        assertThat(start(killed).waitFor()).as(() -> log(killed)).isZero();
        assertThat(weights(killed)).isEqualTo(weights(straight)).hasSize(STEPS / SAVE_EVERY);
        assertThat(killed.resolve("out.safetensors.state/model-loss.csv"))
                .hasSameTextualContentAs(straight.resolve("out.safetensors.state/model-loss.csv"));
    }

    private static String log(Path place) {
        try {
            return Files.readString(place.resolve("log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long size(Path file) throws IOException {
        return Files.exists(file) ? Files.size(file) : 0;
    }

    private static int last(Path steps) throws IOException {
        byte[] done = Files.exists(steps) ? Files.readAllBytes(steps) : new byte[0];
        return done.length == 0 ? 0 : done[done.length - 1];
    }

    /** Which step the state on disk is of; it and every file that has been written can be read to the end. */
    private static int savedSteps(Path place) throws IOException {
        weights(place);
        Path state = place.resolve("out.safetensors.state/model-state.safetensors");
        if (!Files.exists(state)) {
            return 0;
        }
        FileHashes.of(state, Progress.NONE);
        return Integer.parseInt(Checkpoints.open(state).metadata().getOrDefault("atelier.step", "-1"));
    }

    /** The hashes of the weights of all results so far, by name. */
    private static Map<String, String> weights(Path place) throws IOException {
        Map<String, String> hashes = new TreeMap<>();
        try (Stream<Path> files = Files.list(place)) {
            for (Path file : files.filter(KillTest::isResult).toList()) {
                Checkpoints.open(file);
                hashes.put(
                        file.getFileName().toString(),
                        FileHashes.of(file, Progress.NONE).dataSha256().orElseThrow());
            }
        }
        return hashes;
    }

    private static boolean isResult(Path file) {
        return file.getFileName().toString().matches("out.*\\.safetensors");
    }

    /** Whether a file is there that had no time to get its name. */
    private static boolean isHalfWritten(Path place) throws IOException {
        try (Stream<Path> files = Files.walk(place)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .anyMatch(name -> name.startsWith(".") || name.endsWith(".part"));
        }
    }

    private static void forget(Path place) throws IOException {
        try (Stream<Path> files = Files.walk(place)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.delete(file);
            }
        }
    }
}
