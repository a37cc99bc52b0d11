package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FileHashesTest {
    @TempDir
    Path folder;

    /** Expected values: {@code hashes.py}. The second file ends within the 64 KiB of AutoV1. */
    @ParameterizedTest
    @CsvSource({
        "1000,7d887231ae7fb96cb586fbee9158e22cf16c7a473c910cced13b47d9fab5723d,e3b0c442,a8af099bf2e878609558dbf69d8f88f4a31040a8cf84b549a0cfa912f12ffc3f",
        "1100000,12c1eec3f481c2219f3ffc01f137b5ca8b80ef3e0c390f282ec54ba52fd91526,9986cc78,9a8c3e74ca0ca88bf3fea42970191a29a8aa05b0debc8027b49156b5fc8c26df",
        "2000000,0159d20467152f2df8425273fb6c0fb8269d431578b050de3c96ad715a0f3829,c53a8aef,a8bbb1a74a6cef743d6304dfbb5f7841a3b6775d1c8f474b64d19d56f9596a04"
    })
    void allHashesAreThoseOfAutomatic1111(int dataBytes, String sha256, String autoV1, String dataSha256) {
        FileHashes hashes = FileHashes.of(file(dataBytes), Progress.NONE);
        assertThat(hashes.sha256()).isEqualTo(sha256);
        assertThat(hashes.autoV1()).isEqualTo(autoV1);
        assertThat(hashes.autoV2()).isEqualTo(sha256.substring(0, 10));
        assertThat(hashes.dataSha256()).contains(dataSha256);
        assertThat(hashes.autoV3()).contains(dataSha256.substring(0, 12));
        assertThat(FileHashes.autoV1(file(dataBytes))).isEqualTo(autoV1);
    }

    @Test
    void otherFormatsHaveNoHashOfTheirData() throws IOException {
        Path text = Files.writeString(folder.resolve("abc"), "abc");
        FileHashes hashes = FileHashes.of(text, Progress.NONE);
        assertThat(hashes.dataSha256()).isEmpty();
        assertThat(hashes.autoV1()).isEqualTo("e3b0c442"); // of nothing, as for every small file
        assertThat(FileHashes.of(Files.createFile(folder.resolve("empty")), Progress.NONE)
                        .sha256())
                .startsWith("e3b0c442");
    }

    @Test
    void aFileThatChangesMeanwhileHasNoHash() {
        Path file = file(2_000_000);
        assertThatThrownBy(() -> FileHashes.of(file, (done, total) -> {
                    if (done == 1 << 20) {
                        append(file);
                    }
                }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("changed while it was read");
    }

    private static void append(Path file) {
        try {
            Files.write(file, new byte[1], StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path file(int dataBytes) {
        String header = "{\"__metadata__\":{\"title\":\"hashes\"},%s}"
                .formatted(SafetensorsBytes.entry("x", "U8", "[" + dataBytes + "]", 0, dataBytes));
        return SafetensorsBytes.in(folder, SafetensorsBytes.file(header, dataBytes));
    }
}
