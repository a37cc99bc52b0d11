package dev.atelier.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Supplier;
import java.util.zip.CRC32;

/**
 * Writes a checkpoint as {@code torch.save} does: a zip file of stored records, each payload on a multiple of 64 bytes. Where
 * everything lies follows from names and sizes; only the checksums do not, so the headers are written last. Checksums are
 * put together from those of the blocks, which are computed as they are written.
 */
final class TorchZipWriter {
    private static final int ALIGNMENT = 64;
    private static final String FOLDER = "archive/";
    private static final long SATURATED = 0xFFFF_FFFFL;
    private static final int VERSION_NEEDED = 45; // zip64
    private static final int UTF8_NAMES = 1 << 11;

    /** A record of the archive; {@code payload} is the file position of its first byte. */
    private record Member(String name, long header, long payload, long size) {
        byte[] nameBytes() {
            return (FOLDER + name).getBytes(StandardCharsets.UTF_8);
        }
    }

    private final List<Member> members = new ArrayList<>();
    private long end;

    private TorchZipWriter() {}

    /** @param metadata asked for when all else is written */
    static void write(
            Checkpoint checkpoint, Path target, Supplier<? extends Map<String, String>> metadata, Progress progress) {
        List<Map.Entry<String, Tensor>> tensors =
                List.copyOf(checkpoint.tensors().entrySet());
        new TorchZipWriter()
                .writeTo(
                        target,
                        TorchPickle.of(tensors),
                        tensors,
                        FileStamp.of(checkpoint.sources()),
                        metadata,
                        progress);
    }

    static void write(Map<?, ?> root, Path target, Progress progress) {
        List<Map.Entry<String, Tensor>> tensors = new ArrayList<>();
        byte[] pickle = TorchPickle.of(root, tensors);
        new TorchZipWriter().writeTo(target, pickle, tensors, List.of(), Map::of, progress);
    }

    private void writeTo(
            Path target,
            byte[] pickle,
            List<Map.Entry<String, Tensor>> tensors,
            List<FileStamp> inputs,
            Supplier<? extends Map<String, String>> metadata,
            Progress progress) {
        byte[] byteOrder = "little".getBytes(StandardCharsets.US_ASCII);
        byte[] version = "3\n".getBytes(StandardCharsets.US_ASCII);
        place("data.pkl", pickle.length);
        place("byteorder", byteOrder.length);
        List<DataWriter.Placed> places = new ArrayList<>();
        for (int i = 0; i < tensors.size(); i++) {
            Tensor tensor = tensors.get(i).getValue();
            if (tensor.byteSize() >= SATURATED) {
                throw new IllegalArgumentException(
                        "the tensor \"%s\" has %d bytes, too many for a .ckpt file; write .safetensors"
                                .formatted(tensors.get(i).getKey(), tensor.byteSize()));
            }
            places.add(new DataWriter.Placed(tensor, place("data/" + i, tensor.byteSize())));
        }
        place("version", version.length);
        try (AtomicFile file = AtomicFile.create(target, end + directoryRoom())) {
            DataWriter data = new DataWriter(file, Runtime.getRuntime().availableProcessors());
            AtomicIntegerArray checksums = new AtomicIntegerArray(places.size());
            data.write(
                    places,
                    (tensor, bytes, after) -> checksums.accumulateAndGet(
                            tensor, Crc32.followedBy(after, checksum(bytes)), (a, b) -> a ^ b),
                    null,
                    progress);
            writeRest(
                    data,
                    Map.of("data.pkl", pickle, "byteorder", byteOrder, "version", version),
                    checksums,
                    ZipComment.of(metadata.get()));
            inputs.forEach(FileStamp::requireUnchanged);
            file.commit();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Assigns the next free place to a record and returns where its payload goes. */
    private long place(String name, long size) {
        long afterName = end + 30 + FOLDER.length() + name.length() + 4;
        long payload = (afterName + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        members.add(new Member(name, end, payload, size));
        end = payload + size;
        return payload;
    }

    /** Everything but the tensors: small records, the header of each record and the directory. */
    private void writeRest(DataWriter data, Map<String, byte[]> contents, AtomicIntegerArray checksums, byte[] comment)
            throws IOException {
        ByteBuffer directory = little(directoryRoom());
        int tensors = 0;
        for (Member member : members) {
            byte[] content = contents.get(member.name);
            int checksum;
            if (content == null) {
                checksum = checksums.get(tensors++);
            } else {
                checksum = checksum(MemorySegment.ofArray(content));
                data.write(ByteBuffer.wrap(content), member.payload);
            }
            data.write(localHeader(member, checksum), member.header);
            putCentralHeader(directory, member, checksum);
        }
        putEnd(directory, directory.position(), comment);
        data.write(directory.flip(), end);
    }

    /** More bytes than the directory takes. */
    private int directoryRoom() {
        return 200 * (members.size() + 1) + ZipComment.MAX;
    }

    private static int checksum(MemorySegment bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes.asByteBuffer());
        return (int) crc.getValue();
    }

    private static ByteBuffer localHeader(Member member, int checksum) {
        byte[] name = member.nameBytes();
        int padding = (int) (member.payload - member.header) - 30 - name.length - 4;
        ByteBuffer header = little(30 + name.length + 4 + padding);
        header.putInt(0x04034b50)
                .putShort((short) VERSION_NEEDED)
                .putShort((short) UTF8_NAMES)
                .putShort((short) 0);
        header.putInt(0).putInt(checksum).putInt((int) member.size).putInt((int) member.size);
        header.putShort((short) name.length).putShort((short) (4 + padding)).put(name);
        header.put((byte) 'F').put((byte) 'B').putShort((short) padding); // torch's own name for its padding
        while (header.hasRemaining()) {
            header.put((byte) 'Z');
        }
        return header.flip();
    }

    private static void putCentralHeader(ByteBuffer out, Member member, int checksum) {
        byte[] name = member.nameBytes();
        boolean far = member.header >= SATURATED;
        out.putInt(0x02014b50)
                .putShort((short) 0)
                .putShort((short) VERSION_NEEDED)
                .putShort((short) UTF8_NAMES);
        out.putShort((short) 0)
                .putInt(0)
                .putInt(checksum)
                .putInt((int) member.size)
                .putInt((int) member.size);
        out.putShort((short) name.length)
                .putShort((short) (far ? 12 : 0))
                .putShort((short) 0)
                .putShort((short) 0);
        out.putShort((short) 0).putInt(0).putInt(far ? -1 : (int) member.header).put(name);
        if (far) {
            out.putShort((short) 1).putShort((short) 8).putLong(member.header);
        }
    }

    private void putEnd(ByteBuffer out, long directorySize, byte[] comment) {
        int count = members.size();
        out.putInt(0x06064b50).putLong(44).putShort((short) VERSION_NEEDED).putShort((short) VERSION_NEEDED);
        out.putInt(0)
                .putInt(0)
                .putLong(count)
                .putLong(count)
                .putLong(directorySize)
                .putLong(end);
        out.putInt(0x07064b50).putInt(0).putLong(end + directorySize).putInt(1);
        short shortCount = (short) Math.min(count, 0xFFFF);
        out.putInt(0x06054b50).putInt(0).putShort(shortCount).putShort(shortCount);
        out.putInt((int) directorySize).putInt((int) Math.min(end, SATURATED)).putShort((short) comment.length);
        out.put(comment);
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
