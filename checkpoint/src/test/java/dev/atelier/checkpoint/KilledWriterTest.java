package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Writers in processes of their own that are killed, or whose disk is full, in the middle of a file. */
class KilledWriterTest {
    /** Too few to be written past the page cache, and enough for that, see {@link AtomicFile#direct}. */
    private static final int ELEMENTS = 2_000_000;

    private static final int MANY_ELEMENTS = 5_000_000;

    @TempDir
    Path folder;

    /** A program that writes a tensor, and at its second half waits for its end. */
    static final class Victim {
        private Victim() {}

        public static void main(String[] arguments) throws IOException {
            Path target = Path.of(arguments[0]);
            boolean waits = Boolean.parseBoolean(arguments[1]);
            try {
                if (target.toString().endsWith(".folder")) {
                    try (AtomicFolder part = AtomicFolder.create(target, 0)) {
                        checkpoint(target, waits).writeTo(part.path().resolve("model.safetensors"), Progress.NONE);
                        part.commit();
                    }
                } else {
                    checkpoint(target, waits).writeTo(target, Progress.NONE);
                }
            } catch (UncheckedIOException e) {
                System.out.println(e.getCause().getMessage());
            }
        }
    }

    private static Checkpoint checkpoint(Path target, boolean waits) {
        int elements = target.getFileName().toString().startsWith("large") ? MANY_ELEMENTS : ELEMENTS;
        Tensor tensor = new ComputedTensor(DType.F32, Shape.of(elements)) {
            @Override
            protected void compute(long first, float[] target, int count) {
                if (waits && first > elements / 2) {
                    System.out.println("writing");
                    LockSupport.park();
                }
            }

            @Override
            protected void compute(long first, double[] target, int count) {}
        };
        return Checkpoint.of(List.of(), Map.of("a", tensor), Map.of());
    }

    private static List<String> command(Path target, boolean waits) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                target.toString(),
                Boolean.toString(waits));
    }

    private static void kill(Path target) throws Exception {
        Process victim = new ProcessBuilder(command(target, true)).start();
        try (BufferedReader output = victim.inputReader(StandardCharsets.UTF_8)) {
            assertThat(output.readLine()).isEqualTo("writing");
        }
        assertThat(victim.destroyForcibly().waitFor()).isNotZero();
    }

    private List<String> content() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private void write(Path target) throws IOException {
        if (target.toString().endsWith(".folder")) {
            try (AtomicFolder part = AtomicFolder.create(target, 0)) {
                Files.writeString(part.path().resolve("new"), "");
                part.commit();
            }
        } else {
            checkpoint(target, false).writeTo(target, Progress.NONE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.safetensors", "a.ckpt", "a.folder", "large.safetensors", "large.ckpt"})
    void aKilledWriterLeavesNothingUnderTheFinalNameAndTheNextOneCleansUp(String name) throws Exception {
        Path target = folder.resolve(name);
        kill(target);
        assertThat(content())
                .singleElement()
                .satisfies(left -> assertThat(left).startsWith("." + name).endsWith(".part"));
        write(target);
        assertThat(content()).containsExactly(name);
        if (name.endsWith(".folder")) {
            assertThat(target).isDirectoryContaining("glob:**/new").isDirectoryNotContaining("glob:**/.lock");
        }
    }

    @Test
    void aKilledWriterLeavesTheOldFileAsItWas() throws Exception {
        Path target = Files.writeString(folder.resolve("a.safetensors"), "old");
        kill(target);
        assertThat(target).hasContent("old");
    }

    @Test
    void aPartThatIsStillBeingWrittenIsNoLeftover() throws Exception {
        Path target = folder.resolve("a.safetensors");
        Process other = new ProcessBuilder(command(target, true)).start();
        try (BufferedReader output = other.inputReader(StandardCharsets.UTF_8);
                AtomicFile own = AtomicFile.create(folder.resolve("c.safetensors"), 0)) {
            assertThat(output.readLine()).isEqualTo("writing");
            write(folder.resolve("b.safetensors"));
            assertThat(content()).hasSize(3).contains("b.safetensors");
            own.commit();
        } finally {
            other.destroyForcibly().waitFor();
        }
        Leftovers.remove(folder);
        assertThat(content()).containsExactly("b.safetensors", "c.safetensors");
    }

    @Test
    void whatAKilledWriterWasAboutToReplaceComesBack() throws IOException {
        Path target = folder.resolve("a.folder");
        Files.writeString(Files.createDirectory(Leftovers.old(target)).resolve("old"), "");
        Files.createDirectory(Leftovers.old(Files.createDirectory(folder.resolve("b.folder"))));
        Files.createDirectory(folder.resolve(".mine.part"));
        Leftovers.remove(folder);
        assertThat(content()).containsExactly(".mine.part", "a.folder", "b.folder");
        assertThat(target.resolve("old")).exists();
    }

    /** A limit on the size of files stands for the full disk; the system reports both in the same way. */
    @ParameterizedTest
    @ValueSource(strings = {"a.safetensors", "a.ckpt", "large.safetensors", "large.ckpt"})
    @DisabledOnOs(OS.WINDOWS)
    void aFullDiskIsToldAndLeavesEverythingAsItWas(String name) throws Exception {
        Path target = Files.writeString(folder.resolve(name), "old");
        List<String> limited = new ArrayList<>(List.of("bash", "-c", "ulimit -f 2000; exec \"$@\"", "bash"));
        limited.addAll(command(target, false));
        Process writer = new ProcessBuilder(limited).redirectErrorStream(true).start();
        assertThat(new String(writer.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("too large");
        assertThat(writer.waitFor()).isZero();
        assertThat(content()).containsExactly(name);
        assertThat(target).hasContent("old");
    }

    @ParameterizedTest
    @ValueSource(strings = {"b.safetensors", "b.ckpt"})
    void anInputThatChangesWhileItIsReadIsNoticed(String name) throws IOException {
        Path input = folder.resolve("a.safetensors");
        checkpoint(input, false).writeTo(input, Progress.NONE);
        Checkpoint read = Checkpoints.open(input);
        assertThatThrownBy(() -> read.writeTo(folder.resolve(name), (done, total) -> {
                    try {
                        Files.setLastModifiedTime(input, FileTime.fromMillis(1000 + done));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("a.safetensors was changed while it was read");
        assertThat(content()).containsExactly("a.safetensors");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS) // which keeps mapped files from being shortened
    void anInputThatIsShortenedWhileItIsReadIsNoticed() throws IOException {
        Path input = folder.resolve("a.safetensors");
        checkpoint(input, false).writeTo(input, Progress.NONE);
        Checkpoint read = Checkpoints.open(input).cast(DType.F16);
        try (var channel = java.nio.channels.FileChannel.open(input, java.nio.file.StandardOpenOption.WRITE)) {
            channel.truncate(1000);
        }
        assertThatThrownBy(() -> read.writeTo(folder.resolve("b.safetensors"), Progress.NONE))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("shortened");
        assertThat(content()).containsExactly("a.safetensors");
    }
}
