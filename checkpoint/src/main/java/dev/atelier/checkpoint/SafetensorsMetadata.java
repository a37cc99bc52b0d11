package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.UNKNOWN_FORMAT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Replaces the metadata of a safetensors file and nothing else: what follows the header is copied byte for byte. */
public final class SafetensorsMetadata {
    private static final int BLOCK = 1 << 24;

    private SafetensorsMetadata() {}

    /**
     * Writes {@code file} to {@code target} with other metadata. The two may be the same file: the old one is replaced in
     * one step, when the new one is complete and on disk.
     *
     * @throws InvalidCheckpointException if {@code file} is damaged, or not a safetensors file: no other format has
     *     metadata
     * @throws UncheckedIOException if writing fails; {@code target} is then as it was
     */
    public static void rewrite(Path file, Path target, Map<String, String> metadata, Progress progress) {
        FileStamp stamp = FileStamp.of(file);
        MappedFile mapped = MappedFile.open(file);
        if (!SafetensorsReader.looksLike(mapped)) {
            throw new InvalidCheckpointException(
                    file,
                    UNKNOWN_FORMAT,
                    "only safetensors files have metadata; 'atelier convert' makes one of any checkpoint");
        }
        Checkpoint checkpoint = SafetensorsReader.read(mapped);
        byte[] header =
                SafetensorsWriter.header(List.copyOf(checkpoint.tensors().entrySet()), metadata);
        MemorySegment data = mapped.bytes().asSlice(8 + mapped.u64(0));
        try (AtomicFile output = AtomicFile.create(target, 8L + header.length + data.byteSize())) {
            DataWriter writer = new DataWriter(output.channel(), 1);
            ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
            writer.write(start.putLong(header.length).put(header).flip(), 0);
            long position = 8L + header.length;
            progress.update(0, data.byteSize());
            for (long done = 0; done < data.byteSize(); done += BLOCK) {
                long length = Math.min(BLOCK, data.byteSize() - done);
                writer.write(data.asSlice(done, length).asByteBuffer(), position + done);
                progress.update(done + length, data.byteSize());
            }
            stamp.requireUnchanged();
            output.commit();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
