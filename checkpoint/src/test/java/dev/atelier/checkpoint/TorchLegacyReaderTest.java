package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchLegacyReaderTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "legacy-views"})
    void tensorsAreThoseThatTorchSaved(String name) {
        Bits.assertSame(
                Checkpoints.open(Fixtures.path(name + ".ckpt")).tensors(),
                Checkpoints.open(Fixtures.path(name + ".safetensors")).tensors());
    }

    @Test
    void everyTruncationIsNoticed() throws IOException {
        byte[] whole = Files.readAllBytes(Fixtures.path("legacy.ckpt"));
        for (int length = 16; length < whole.length; length += 7) {
            assertRefused(file(Arrays.copyOf(whole, length)), Reason.BAD_PICKLE, "");
        }
    }

    /** Found by fuzzing: this reader is not the first that looks at a file, but does not rely on it. */
    @Test
    void aFileThatIsNoneIsRefused() {
        MappedFile empty = new MappedFile(Path.of("empty"), MemorySegment.ofArray(new byte[0]));
        assertThatExceptionOfType(InvalidCheckpointException.class)
                .isThrownBy(() -> TorchLegacyReader.read(empty))
                .withMessageContaining("does not begin");
    }

    @Test
    void bytesBehindTheLastStorageAreRefused() throws IOException {
        byte[] whole = Files.readAllBytes(Fixtures.path("legacy.ckpt"));
        assertRefused(file(Arrays.copyOf(whole, whole.length + 3)), Reason.BAD_PICKLE, "3 bytes follow");
    }

    @Test
    void aProgramInsteadOfTheProtocolNumberIsNotRun() throws IOException {
        byte[] magic = Arrays.copyOf(Files.readAllBytes(Fixtures.path("legacy.ckpt")), 15);
        byte[] program = new PickleBytes().raw("cos\nsystem\n").bytes();
        byte[] file = Arrays.copyOf(magic, magic.length + program.length);
        System.arraycopy(program, 0, file, magic.length, program.length);
        assertRefused(file(file), Reason.FORBIDDEN_GLOBAL, "os.system");
    }

    private Path file(byte[] bytes) {
        return SafetensorsBytes.in(folder, bytes);
    }
}
