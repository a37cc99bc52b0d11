package dev.atelier.checkpoint;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonWriteFeature;

/**
 * Writes a checkpoint as safetensors. Everything about the file is known before its first byte: the order and the
 * offsets of the tensors follow from names, types and shapes (as the reference writer lays them out: descending dtype
 * rank, then name; header padded with spaces to a multiple of 8).
 */
final class SafetensorsWriter {
    /** Escapes exactly what the reference writer escapes, and as it does. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(JsonWriteFeature.ESCAPE_FORWARD_SLASHES, JsonWriteFeature.WRITE_HEX_UPPER_CASE)
            .build();

    private SafetensorsWriter() {}

    /**
     * Writes the header last, with the metadata that is known by then.
     *
     * @return whether that takes as much room as the checkpoint's own, as is the case if only digits differ; if not, nothing
     *     is written
     */
    static boolean write(
            Checkpoint checkpoint, Path target, Supplier<? extends Map<String, String>> metadata, Progress progress) {
        return write(checkpoint, target, metadata, progress, processors());
    }

    static boolean write(
            Checkpoint checkpoint,
            Path target,
            Supplier<? extends Map<String, String>> metadata,
            Progress progress,
            int processors) {
        List<Map.Entry<String, Tensor>> ordered = ordered(checkpoint);
        int room = header(ordered, checkpoint.metadata()).length;
        return write(
                checkpoint, target, ordered, room, null, () -> header(ordered, metadata.get()), progress, processors);
    }

    /** With the checkpoint's own metadata; returns the SHA-256 of the file. */
    static String writeHashed(Checkpoint checkpoint, Path target, Progress progress) {
        List<Map.Entry<String, Tensor>> ordered = ordered(checkpoint);
        byte[] header = header(ordered, checkpoint.metadata());
        RunningHash hash = new RunningHash(header);
        write(checkpoint, target, ordered, header.length, hash, () -> header, progress, processors());
        return hash.hex();
    }

    private static boolean write(
            Checkpoint checkpoint,
            Path target,
            List<Map.Entry<String, Tensor>> ordered,
            int room,
            @Nullable RunningHash hash,
            Supplier<byte[]> lastHeader,
            Progress progress,
            int processors) {
        List<FileStamp> inputs = FileStamp.of(checkpoint.sources());
        try (AtomicFile file = AtomicFile.create(target, room + checkpoint.byteSize())) {
            DataWriter data = new DataWriter(file, processors);
            data.write(places(ordered, room), DataWriter.Listener.NONE, hash, progress);
            byte[] header = lastHeader.get();
            if (header.length != room) {
                return false;
            }
            data.write(ByteBuffer.wrap(header), 0);
            inputs.forEach(FileStamp::requireUnchanged);
            file.commit();
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int processors() {
        return Runtime.getRuntime().availableProcessors();
    }

    private static List<Map.Entry<String, Tensor>> ordered(Checkpoint checkpoint) {
        List<Map.Entry<String, Tensor>> ordered =
                new ArrayList<>(checkpoint.tensors().entrySet());
        ordered.sort(Comparator.comparing(
                        (Map.Entry<String, Tensor> named) -> named.getValue().dtype())
                .reversed()
                .thenComparing(
                        named -> named.getKey().getBytes(StandardCharsets.UTF_8), java.util.Arrays::compareUnsigned));
        return ordered;
    }

    /** What precedes the tensors, padded, if they lie behind it in this order: the length of the JSON header, and that. */
    static byte[] header(List<Map.Entry<String, Tensor>> ordered, Map<String, String> metadata) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeName(SafetensorsReader.METADATA).writeStartObject();
                metadata.forEach((key, value) -> json.writeName(key).writeString(value));
                json.writeEndObject();
            }
            long offset = 0;
            for (Map.Entry<String, Tensor> named : ordered) {
                Tensor tensor = named.getValue();
                long[] shape = tensor.shape().sizes();
                json.writeName(named.getKey()).writeStartObject();
                json.writeName("dtype").writeString(tensor.dtype().name());
                json.writeName("shape").writeArray(shape, 0, shape.length);
                json.writeName("data_offsets").writeArray(new long[] {offset, offset += tensor.byteSize()}, 0, 2);
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        byte[] padded = java.util.Arrays.copyOf(bytes, (bytes.length + 7) / 8 * 8);
        java.util.Arrays.fill(padded, bytes.length, padded.length, (byte) ' ');
        if (padded.length > SafetensorsReader.MAX_HEADER) {
            throw new IllegalArgumentException(
                    "the header would take %d bytes, more than safetensors allows".formatted(padded.length));
        }
        return ByteBuffer.allocate(8 + padded.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(padded.length)
                .put(padded)
                .array();
    }

    private static List<DataWriter.Placed> places(List<Map.Entry<String, Tensor>> ordered, long position) {
        List<DataWriter.Placed> places = new ArrayList<>();
        for (Map.Entry<String, Tensor> named : ordered) {
            places.add(new DataWriter.Placed(named.getValue(), position));
            position += named.getValue().byteSize();
        }
        return places;
    }
}
