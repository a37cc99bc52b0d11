package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileHashTest {
    @TempDir
    Path folder;

    @Test
    void theHashIsSha256() throws IOException {
        Path file = Files.writeString(folder.resolve("abc"), "abc"); // the first example of FIPS 180-2
        String expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assertThat(FileHash.sha256(file, Progress.NONE)).isEqualTo(expected);
    }

    @Test
    void aMillionLettersCrossTheBlocksOfReading() throws IOException {
        Path file = Files.writeString(folder.resolve("a"), "a".repeat(1_000_000)); // the third example of FIPS 180-2
        assertThat(FileHash.sha256(file, Progress.NONE))
                .isEqualTo("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }

    @Test
    void anEmptyFileHasAHashAndProgressEndsAtTheSize() throws IOException {
        Path empty = Files.createFile(folder.resolve("empty"));
        assertThat(FileHash.sha256(empty, Progress.NONE)).startsWith("e3b0c44298");
        Path large = Files.write(folder.resolve("large"), new byte[2_500_000]);
        List<Long> heard = new ArrayList<>();
        FileHash.sha256(large, (done, total) -> heard.add(done));
        assertThat(heard).isSorted().endsWith(2_500_000L);
    }
}
