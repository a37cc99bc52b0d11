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

    static void write(Checkpoint checkpoint, Path target, Progress progress) {
        write(checkpoint, target, progress, Runtime.getRuntime().availableProcessors());
    }

    static void write(Checkpoint checkpoint, Path target, Progress progress, int maxThreads) {
        List<Map.Entry<String, Tensor>> ordered =
                new ArrayList<>(checkpoint.tensors().entrySet());
        ordered.sort(Comparator.comparing(
                        (Map.Entry<String, Tensor> named) -> named.getValue().dtype())
                .reversed()
                .thenComparing(
                        named -> named.getKey().getBytes(StandardCharsets.UTF_8), java.util.Arrays::compareUnsigned));
        byte[] header = header(ordered, checkpoint.metadata());
        long total = 8L + header.length + checkpoint.byteSize();
        List<FileStamp> inputs = FileStamp.of(checkpoint.sources());
        try (AtomicFile file = AtomicFile.create(target, total)) {
            DataWriter data = new DataWriter(file.channel(), maxThreads);
            ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
            data.write(start.putLong(header.length).put(header).flip(), 0);
            data.write(places(ordered, 8L + header.length), progress);
            inputs.forEach(FileStamp::requireUnchanged);
            file.commit();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The JSON header, padded, of tensors that lie behind it in this order. */
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
        return padded;
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
