package dev.atelier.training.log;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * Numbers over the steps of a training, in the format that TensorBoard reads: a file of TFRecords, each an {@code Event} of
 * TensorFlow's {@code event.proto}. Protocol buffers are written by hand, as there are but eight fields.
 */
public final class EventFile implements AutoCloseable {
    private final FileChannel file;

    private EventFile(FileChannel file) {
        this.file = file;
    }

    /**
     * Starts a file beside those of earlier runs, which TensorBoard reads as one.
     *
     * @param step the first one to come; what earlier runs wrote of it and of later ones is to be forgotten
     */
    public static EventFile start(Path folder, int step) {
        try {
            Files.createDirectories(folder);
            Path path = folder.resolve("events.out.tfevents.%010d.atelier.%d"
                    .formatted(
                            System.currentTimeMillis() / 1000,
                            ProcessHandle.current().pid()));
            EventFile events =
                    new EventFile(FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
            events.write(new Message().time(1).bytes(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8)));
            Message start = new Message().number(1, 1); // SessionLog.START
            events.write(new Message().time(1).number(2, step).bytes(7, start.toBytes()));
            return events;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes a number under a name such as {@code loss/current}. It is on its way to the disk when this returns. */
    public void scalar(int step, String tag, double value) {
        Message scalar =
                new Message().bytes(1, tag.getBytes(StandardCharsets.UTF_8)).real(2, (float) value);
        Message summary = new Message().bytes(1, scalar.toBytes());
        try {
            write(new Message().time(1).number(2, step).bytes(5, summary.toBytes()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void write(Message event) throws IOException {
        byte[] data = event.toBytes();
        ByteBuffer record = ByteBuffer.allocate(16 + data.length).order(ByteOrder.LITTLE_ENDIAN);
        record.putLong(data.length).putInt(masked(record.array(), 0, 8)).put(data);
        record.putInt(masked(data, 0, data.length)).flip();
        while (record.hasRemaining()) {
            file.write(record);
        }
    }

    /** The checksum of TFRecords: CRC-32C, turned and moved so that checksums of checksums are no trouble. */
    private static int masked(byte[] bytes, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, offset, length);
        return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A protocol buffer. */
    private static final class Message {
        private static final int VARINT = 0;
        private static final int EIGHT_BYTES = 1;
        private static final int LENGTH = 2;
        private static final int FOUR_BYTES = 5;

        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Message number(int field, long value) {
            return key(field, VARINT).varint(value);
        }

        /** The time of now, in seconds. */
        Message time(int field) {
            double seconds = System.currentTimeMillis() / 1000.0;
            return key(field, EIGHT_BYTES).raw(little(8).putDouble(seconds).array());
        }

        Message real(int field, float value) {
            return key(field, FOUR_BYTES).raw(little(4).putFloat(value).array());
        }

        Message bytes(int field, byte[] value) {
            return key(field, LENGTH).varint(value.length).raw(value);
        }

        byte[] toBytes() {
            return out.toByteArray();
        }

        private Message key(int field, int type) {
            return varint(((long) field << 3) | type);
        }

        private Message varint(long value) {
            long rest = value;
            while (rest > 0x7f) {
                out.write((int) ((rest & 0x7f) | 0x80));
                rest >>>= 7;
            }
            out.write((int) rest);
            return this;
        }

        private Message raw(byte[] bytes) {
            out.writeBytes(bytes);
            return this;
        }

        private static ByteBuffer little(int size) {
            return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
