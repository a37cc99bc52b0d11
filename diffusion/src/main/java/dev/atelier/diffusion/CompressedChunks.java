package dev.atelier.diffusion;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import javax.imageio.stream.ImageInputStream;

/**
 * What a PNG file carries compressed besides its pixels: texts and a colour profile. The JDK's reader unpacks them whatever
 * their size, and a file of a megabyte can hold a gigabyte of text, so they are measured first.
 */
final class CompressedChunks {
    private static final long SIGNATURE = 0x89504e470d0a1a0aL;
    private static final int MAX_BYTES = 16 << 20;

    private CompressedChunks() {}

    /**
     * Leaves the stream where it was.
     *
     * @throws IOException if they unpack to more than 16 MB
     */
    static void requireModest(ImageInputStream in) throws IOException {
        in.mark();
        try {
            in.setByteOrder(ByteOrder.BIG_ENDIAN);
            byte[] head = new byte[8];
            if (in.read(head) < head.length || ByteBuffer.wrap(head).getLong() != SIGNATURE) {
                return;
            }
            long unpacked = 0;
            byte[] frame = new byte[8];
            while (in.read(frame) == frame.length) {
                int length = ByteBuffer.wrap(frame).getInt();
                String type = new String(frame, 4, 4, StandardCharsets.ISO_8859_1);
                long next = in.getStreamPosition() + length + 4;
                if (length < 0) {
                    return; // the reader will say so
                }
                if (type.equals("zTXt") || type.equals("iTXt") || type.equals("iCCP")) {
                    unpacked += unpacked(read(in, length), type, MAX_BYTES - unpacked);
                    if (unpacked > MAX_BYTES) {
                        throw new IOException(
                                "the texts in the PNG file unpack to more than %d MB".formatted(MAX_BYTES >> 20));
                    }
                }
                in.seek(next);
            }
        } finally {
            in.reset();
        }
    }

    private static byte[] read(ImageInputStream in, int length) throws IOException {
        byte[] chunk = new byte[0];
        int size = 0;
        while (size < length) {
            chunk = Arrays.copyOf(chunk, (int) Math.min(length, size + (1L << 20))); // a length may lie
            int read = in.read(chunk, size, chunk.length - size);
            if (read < 0) {
                return Arrays.copyOf(chunk, size);
            }
            size += read;
        }
        return chunk;
    }

    /** How long a chunk is when it is unpacked, counted up to a little more than {@code enough}. */
    private static long unpacked(byte[] chunk, String type, long enough) {
        int start = after(0, chunk) + 1; // a name, and the method
        if (type.equals("iTXt")) {
            boolean isCompressed = start - 1 < chunk.length && chunk[start - 1] == 1;
            if (!isCompressed) {
                return chunk.length;
            }
            start = after(after(start + 1, chunk), chunk); // the language, and the name in it
        }
        if (start >= chunk.length) {
            return 0;
        }
        try (Inflater inflater = new Inflater()) {
            inflater.setInput(chunk, start, chunk.length - start);
            byte[] scratch = new byte[1 << 16];
            while (!inflater.finished() && !inflater.needsInput() && inflater.getBytesWritten() <= enough) {
                var _ = inflater.inflate(scratch);
            }
            return inflater.getBytesWritten();
        } catch (DataFormatException _) {
            return 0; // the reader will say so
        }
    }

    /** The place behind the next zero. */
    private static int after(int from, byte[] chunk) {
        int at = from;
        while (at < chunk.length && chunk[at] != 0) {
            at++;
        }
        return at + 1;
    }
}
