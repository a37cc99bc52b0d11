package dev.atelier.training.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {
    /** The records of a file as TFRecord frames them; the checksums were computed bit by bit from the definition of CRC-32C. */
    private static List<byte[]> records(Path folder) throws IOException {
        List<byte[]> records = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            Path file = files.findFirst().orElseThrow();
            assertThat(file.getFileName().toString()).contains("tfevents");
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.hasRemaining()) {
                byte[] length = new byte[8];
                bytes.get(bytes.position(), length);
                int size = (int) bytes.getLong();
                assertThat(bytes.getInt()).isEqualTo(masked(length));
                byte[] data = new byte[size];
                bytes.get(data);
                assertThat(bytes.getInt()).isEqualTo(masked(data));
                records.add(data);
            }
        }
        return records;
    }

    private static int masked(byte[] bytes) {
        int crc = ~0;
        for (byte b : bytes) {
            crc ^= b & 0xff;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc >>> 1) ^ ((crc & 1) * 0x82f63b78);
            }
        }
        crc = ~crc;
        return ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
    }

    @Test
    void numbersAreRecordsOfTensorFlow(@TempDir Path folder) throws IOException {
        try (EventFile events = EventFile.start(folder.resolve("run"), 300)) {
            events.scalar(300, "loss/current", 0.25);
        }
        List<byte[]> records = records(folder.resolve("run"));
        assertThat(records).hasSize(3);
        assertThat(new String(records.get(0), StandardCharsets.ISO_8859_1)).endsWith("brain.Event:2");
        // after nine bytes of time: step 300, session log with status START
        assertThat(records.get(1)).endsWith(0x10, 0xac, 0x02, 0x3a, 0x02, 0x08, 0x01);
        // step 300, a summary of 21 bytes with a value of 19: tag of 12, simple value
        ByteBuffer scalar = ByteBuffer.wrap(records.get(2)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(scalar.get()).isEqualTo((byte) 0x09);
        assertThat(scalar.getDouble()).isGreaterThan(1.7e9);
        byte[] rest = new byte[scalar.remaining()];
        scalar.get(rest);
        assertThat(rest).startsWith(0x10, 0xac, 0x02, 0x2a, 21, 0x0a, 19, 0x0a, 12);
        assertThat(new String(rest, 9, 12, StandardCharsets.UTF_8)).isEqualTo("loss/current");
        assertThat(rest).endsWith(0x15, 0x00, 0x00, 0x80, 0x3e);
    }
}
