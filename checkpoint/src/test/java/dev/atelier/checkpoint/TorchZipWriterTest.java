package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchZipWriterTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"state-dict", "module", "views", "lightning", "legacy"})
    void whatIsWrittenIsReadBack(String name) {
        Checkpoint original = Checkpoints.open(Fixtures.path(name + ".ckpt"));
        Path copy = folder.resolve("copy.ckpt");
        original.writeTo(copy, Progress.NONE);
        Checkpoint read = Checkpoints.open(copy);
        assertThat(read.tensors().keySet())
                .containsExactlyElementsOf(original.tensors().keySet());
        Bits.assertSame(read.tensors(), original.tensors());
    }

    /** The JDK's reader checks every header and, where a record is read, its checksum. */
    @Test
    void theArchiveIsSoundAndItsPayloadsAreAligned() throws IOException {
        Path file = folder.resolve("sound.ckpt");
        Checkpoints.open(Fixtures.path("state-dict.ckpt")).writeTo(file, Progress.NONE);
        try (ZipFile zip = new ZipFile(file.toFile())) {
            for (ZipEntry entry : Collections.list(zip.entries())) {
                byte[] payload = zip.getInputStream(entry).readAllBytes();
                assertThat(payload).hasSize((int) entry.getSize());
                assertThat(entry.getMethod()).isEqualTo(ZipEntry.STORED);
            }
            assertThat(zip.getEntry("archive/version")).isNotNull();
            assertThat(new String(
                            zip.getInputStream(zip.getEntry("archive/version")).readAllBytes()))
                    .isEqualTo("3\n");
        }
        long start = address("special.float32", Fixtures.path("state-dict.ckpt")) - address("special.float32", file);
        assertThat(start % 64)
                .as("both are mapped at a page, and torch aligns to 64 bytes")
                .isZero();
    }

    private static long address(String tensor, Path file) {
        return Checkpoints.open(file).tensor(tensor).mapped().orElseThrow().address();
    }

    @Test
    void theSameCheckpointGivesTheSameBytes() throws IOException {
        Checkpoint checkpoint = Checkpoints.open(Fixtures.path("views.ckpt"));
        checkpoint.writeTo(folder.resolve("one.ckpt"), Progress.NONE);
        checkpoint.writeTo(folder.resolve("two.pt"), Progress.NONE);
        assertThat(folder.resolve("one.ckpt")).hasSameBinaryContentAs(folder.resolve("two.pt"));
    }

    @Test
    void aTypeThatTheFormatDoesNotKnowIsRefusedAndNothingIsWritten() {
        Checkpoint small =
                Checkpoint.of(List.of(), Map.of("tiny", Bits.tensor(DType.F4, Shape.of(2), new byte[1])), Map.of());
        assertThatThrownBy(() -> small.writeTo(folder.resolve("small.ckpt"), Progress.NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"tiny\"")
                .hasMessageContaining("F4");
        assertThat(folder).isEmptyDirectory();
    }
}
