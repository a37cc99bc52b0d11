package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.UNKNOWN_FORMAT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Replaces the metadata of a safetensors file and nothing else: what follows the header is copied byte for byte. */
public final class SafetensorsMetadata {
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
        Tensor copied = new StoredTensor(DType.U8, Shape.of(data.byteSize()), data);
        try (AtomicFile output = AtomicFile.create(target, header.length + data.byteSize())) {
            DataWriter writer = new DataWriter(output, Runtime.getRuntime().availableProcessors());
            writer.write(
                    List.of(new DataWriter.Placed(copied, header.length)), DataWriter.Listener.NONE, null, progress);
            writer.write(ByteBuffer.wrap(header), 0);
            stamp.requireUnchanged();
            output.commit();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
