package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Verification.Count;
import dev.atelier.checkpoint.Verification.Verdict;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VerificationTest {
    @TempDir
    Path folder;

    /** Bit patterns: the two NaNs and two infinities of each type, between finite neighbours with the largest exponent. */
    @ParameterizedTest
    @CsvSource({
        "F16, 2, 7C00 FC00 7E00 FC01 7BFF FBFF 0000 83FF, 2, 2",
        "BF16, 2, 7F80 FF80 7FC0 FF81 7F7F FF7F 0000 807F, 2, 2",
        "F32, 4, 7F800000 FF800000 7FC00000 FF800001 7F7FFFFF FF7FFFFF 00000000, 2, 2",
        "F64, 8, 7FF0000000000000 FFF0000000000000 7FF8000000000000 FFF0000000000001 7FEFFFFFFFFFFFFF, 2, 2",
        "F8_E5M2, 1, 7C FC 7D FF 7B FB 00, 2, 2",
        "F8_E4M3, 1, 7F FF 7E FE 78 00, 2, 0",
        "F8_E4M3FNUZ, 1, 7F FF 80 FE 78 00, 1, 0",
        "F8_E5M2FNUZ, 1, 7C FC 80 80 00 80 01 02 80, 4, 0",
        "F8_E8M0, 1, 7F FF 80 FE 78 00, 1, 0",
        "I32, 4, FFFFFFFF 7F800000, 0, 0",
    })
    void nanAndInfinityAreToldApart(DType dtype, int width, String bits, long nan, long infinite) {
        String[] elements = bits.split(" ");
        ByteBuffer bytes = ByteBuffer.allocate(elements.length * width).order(ByteOrder.LITTLE_ENDIAN);
        for (String element : elements) {
            long value = Long.parseUnsignedLong(element, 16);
            for (int i = 0; i < width; i++) {
                bytes.put((byte) (value >>> 8 * i));
            }
        }
        Count count = new NonFinite().count(dtype, MemorySegment.ofArray(bytes.array()));
        assertThat(count).isEqualTo(new Count(nan, infinite));
    }

    @Test
    void everyElementOfALargeTensorIsCounted() {
        byte[] data = new byte[3_000_006];
        ByteBuffer halves = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        for (int at : new int[] {0, 65_534, 65_536, 1_048_576, 2_097_150, 3_000_004}) {
            halves.putShort(at, (short) 0x7E00);
        }
        halves.putShort(1_500_000, (short) 0xFC00);
        Path file = safetensors("x", "F16", 1_500_003, data);
        Verification found = Verification.of(file, Progress.NONE);
        assertThat(found.verdict()).isEqualTo(Verdict.NOT_FINITE);
        assertThat(found.nonFinite()).isEqualTo(Map.of("x", new Count(6, 1)));
        assertThat(found.bytes()).isEqualTo(data.length);
    }

    @Test
    void aSoundFileIsSound() {
        Verification found = Verification.of(Fixtures.path("views.ckpt"), Progress.NONE);
        assertThat(found.verdict()).as(found.toString()).isEqualTo(Verdict.SOUND);
        assertThat(found.tensors()).isPositive();
    }

    @Test
    void aTruncatedFileSaysSo() {
        Path file = safetensors("x", "F16", 8, new byte[15]);
        Verification found = Verification.of(file, Progress.NONE);
        assertThat(found.verdict()).isEqualTo(Verdict.DAMAGED);
        assertThat(found.problems()).hasSize(1).first().asString().contains("truncated");
    }

    @Test
    void oneChangedBitInATorchFileShowsInItsChecksum() throws IOException {
        Path damaged = Files.copy(
                Fixtures.path("state-dict.ckpt"), folder.resolve("damaged.ckpt"), StandardCopyOption.REPLACE_EXISTING);
        MemorySegment weights =
                ZipRecords.open(MappedFile.open(damaged)).find("data/0").orElseThrow();
        long position = position(damaged, weights);
        try (RandomAccessFile file = new RandomAccessFile(damaged.toFile(), "rw")) {
            file.seek(position);
            int old = file.read();
            file.seek(position);
            file.write(old ^ 1);
        }
        Verification found = Verification.of(damaged, Progress.NONE);
        assertThat(found.verdict()).isEqualTo(Verdict.DAMAGED);
        assertThat(found.problems())
                .singleElement()
                .asString()
                .contains("data/0")
                .contains("checksum");
    }

    private static long position(Path file, MemorySegment part) throws IOException {
        byte[] all = Files.readAllBytes(file);
        for (long at = 0; at + part.byteSize() <= all.length; at++) {
            if (MemorySegment.ofArray(all).asSlice(at, part.byteSize()).mismatch(part) == -1) {
                return at;
            }
        }
        throw new AssertionError();
    }

    private Path safetensors(String name, String dtype, int elements, byte[] data) {
        String header = "{%s}".formatted(SafetensorsBytes.entry(name, dtype, "[" + elements + "]", 0, 2L * elements));
        return SafetensorsBytes.in(folder, SafetensorsBytes.file(header.getBytes(StandardCharsets.UTF_8), data));
    }
}
