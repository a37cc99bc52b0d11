package dev.atelier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Assembles zip files as PyTorch 1.13 writes them: stored, sizes only in the directory, a data descriptor behind each
 * payload, payloads on multiples of 64. The offsets of the parts are kept, for tests that damage them.
 */
final class ZipBytes {
    private record Entry(String name, byte[] data) {}

    private final List<Entry> entries = new ArrayList<>();
    private final List<Integer> locals = new ArrayList<>();
    private final List<Integer> centrals = new ArrayList<>();
    private int end;

    /** A checkpoint of this pickle, with data/0, data/1, … in the folder "archive". */
    static ZipBytes checkpoint(byte[] pickle, byte[]... storages) {
        ZipBytes zip = new ZipBytes().add("archive/data.pkl", pickle).add("archive/byteorder", "little");
        for (int i = 0; i < storages.length; i++) {
            zip.add("archive/data/" + i, storages[i]);
        }
        return zip.add("archive/version", "3\n");
    }

    ZipBytes add(String name, String text) {
        return add(name, text.getBytes(StandardCharsets.ISO_8859_1));
    }

    ZipBytes add(String name, byte[] data) {
        entries.add(new Entry(name, data));
        return this;
    }

    /** Where the local header of an entry starts, after {@link #build}. */
    int local(int entry) {
        return locals.get(entry);
    }

    /** Where the directory entry of an entry starts. */
    int central(int entry) {
        return centrals.get(entry);
    }

    /** Where the end record starts. */
    int end() {
        return end;
    }

    byte[] bytes() {
        ByteBuffer file = build();
        return Arrays.copyOf(file.array(), file.limit());
    }

    ByteBuffer build() {
        return build(false);
    }

    /** The file; {@code zip64} keeps all sizes and offsets in 64-bit records, as torch does from 4 GB on. */
    ByteBuffer build(boolean zip64) {
        locals.clear();
        centrals.clear();
        int room = entries.stream()
                .mapToInt(entry -> entry.data.length + 2 * entry.name.length() + 300)
                .sum();
        ByteBuffer out = ByteBuffer.allocate(room + 200).order(ByteOrder.LITTLE_ENDIAN);
        for (Entry entry : entries) {
            putLocal(out, entry);
        }
        int directory = out.position();
        for (int i = 0; i < entries.size(); i++) {
            putCentral(out, entries.get(i), locals.get(i), zip64);
        }
        int directorySize = out.position() - directory;
        if (zip64) {
            int end64 = out.position();
            out.putInt(0x06064b50).putLong(44).putShort((short) 0).putShort((short) 0);
            out.putInt(0).putInt(0).putLong(entries.size()).putLong(entries.size());
            out.putLong(directorySize).putLong(directory);
            out.putInt(0x07064b50).putInt(0).putLong(end64).putInt(1);
        }
        end = out.position();
        short count = zip64 ? -1 : (short) entries.size();
        out.putInt(0x06054b50)
                .putShort((short) 0)
                .putShort((short) 0)
                .putShort(count)
                .putShort(count);
        out.putInt(zip64 ? -1 : directorySize).putInt(zip64 ? -1 : directory).putShort((short) 0);
        return out.flip();
    }

    private void putLocal(ByteBuffer out, Entry entry) {
        locals.add(out.position());
        byte[] name = entry.name.getBytes(StandardCharsets.UTF_8);
        int padding = Math.floorMod(-(out.position() + 30 + name.length + 4), 64);
        out.putInt(0x04034b50)
                .putShort((short) 0)
                .putShort((short) 0x0808)
                .putShort((short) 0)
                .putInt(0);
        out.putInt(0).putInt(0).putInt(0).putShort((short) name.length).putShort((short) (4 + padding));
        out.put(name).put((byte) 'F').put((byte) 'B').putShort((short) padding);
        out.put("Z".repeat(padding).getBytes(StandardCharsets.US_ASCII)).put(entry.data);
        out.putInt(0x08074b50).putInt(crc(entry)).putInt(entry.data.length).putInt(entry.data.length);
    }

    private void putCentral(ByteBuffer out, Entry entry, int local, boolean zip64) {
        centrals.add(out.position());
        byte[] name = entry.name.getBytes(StandardCharsets.UTF_8);
        int size = zip64 ? -1 : entry.data.length;
        out.putInt(0x02014b50)
                .putInt(0)
                .putShort((short) 0x0808)
                .putShort((short) 0)
                .putInt(0);
        out.putInt(crc(entry)).putInt(size).putInt(size);
        out.putShort((short) name.length).putShort((short) (zip64 ? 32 : 0)).putShort((short) 0);
        out.putShort((short) 0)
                .putShort((short) 0)
                .putInt(0)
                .putInt(zip64 ? -1 : local)
                .put(name);
        if (zip64) {
            out.putShort((short) 0x4246).putShort((short) 0); // another extra field before the one that matters
            out.putShort((short) 1).putShort((short) 24);
            out.putLong(entry.data.length).putLong(entry.data.length).putLong(local);
        }
    }

    private static int crc(Entry entry) {
        CRC32 crc = new CRC32();
        crc.update(entry.data);
        return (int) crc.getValue();
    }
}
