package dev.atelier.checkpoint;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonWriteFeature;

/**
 * Writes a checkpoint as safetensors. Everything about the file is known before its first byte: the order and the
 * offsets of the tensors follow from names, types and shapes (as the reference writer lays them out: descending dtype
 * rank, then name; header padded with spaces to a multiple of 8). So the data is cut into ranges that any number of
 * threads evaluate and write in any order, and the bytes are the same whatever the number.
 */
final class SafetensorsWriter {
    /** Bytes evaluated and written at once: large enough for the disk, small enough to stay in the cache. */
    private static final int RANGE = 1 << 20;

    /** Escapes exactly what the reference writer escapes, and as it does. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(JsonWriteFeature.ESCAPE_FORWARD_SLASHES, JsonWriteFeature.WRITE_HEX_UPPER_CASE)
            .build();

    private record Placed(String name, Tensor tensor, long position) {}

    private record Range(Placed placed, long offset, int length) {}

    private SafetensorsWriter() {}

    static void write(Checkpoint checkpoint, Path target, Progress progress) {
        write(checkpoint, target, progress, Runtime.getRuntime().availableProcessors());
    }

    static void write(Checkpoint checkpoint, Path target, Progress progress, int maxThreads) {
        refuseToOverwriteInputs(checkpoint, target);
        List<Map.Entry<String, Tensor>> ordered =
                new ArrayList<>(checkpoint.tensors().entrySet());
        ordered.sort(Comparator.comparing(
                        (Map.Entry<String, Tensor> named) -> named.getValue().dtype())
                .reversed()
                .thenComparing(
                        named -> named.getKey().getBytes(StandardCharsets.UTF_8), java.util.Arrays::compareUnsigned));
        byte[] header = header(ordered, checkpoint.metadata());
        long total = 8L + header.length + checkpoint.byteSize();
        try (AtomicFile file = AtomicFile.create(target, total)) {
            ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
            writeFully(file.channel(), start.putLong(header.length).put(header).flip(), 0);
            List<Range> ranges = ranges(ordered, 8L + header.length);
            writeRanges(file.channel(), ranges, checkpoint.byteSize(), progress, maxThreads);
            file.commit();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void refuseToOverwriteInputs(Checkpoint checkpoint, Path target) {
        for (Path source : checkpoint.sources()) {
            try {
                if (Files.exists(target) && Files.exists(source) && Files.isSameFile(source, target)) {
                    throw new IllegalArgumentException(target + " is one of the inputs; choose another output file");
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static byte[] header(List<Map.Entry<String, Tensor>> ordered, Map<String, String> metadata) {
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

    private static List<Range> ranges(List<Map.Entry<String, Tensor>> ordered, long position) {
        List<Range> ranges = new ArrayList<>();
        for (Map.Entry<String, Tensor> named : ordered) {
            Placed placed = new Placed(named.getKey(), named.getValue(), position);
            long size = named.getValue().byteSize();
            for (long offset = 0; offset < size; offset += RANGE) {
                ranges.add(new Range(placed, offset, (int) Math.min(RANGE, size - offset)));
            }
            position += size;
        }
        return ranges;
    }

    private static void writeRanges(
            FileChannel channel, List<Range> ranges, long total, Progress progress, int maxThreads) throws IOException {
        int threads = Math.max(1, Math.min(maxThreads, ranges.size()));
        AtomicInteger next = new AtomicInteger();
        Tally tally = new Tally(total, progress);
        progress.update(0, total);
        try (ExecutorService workers = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> running = new ArrayList<>();
            for (int worker = 0; worker < threads; worker++) {
                running.add(workers.submit(() -> {
                    try (Arena arena = Arena.ofConfined()) {
                        MemorySegment buffer = arena.allocate(RANGE, 8);
                        for (int i = next.getAndIncrement(); i < ranges.size(); i = next.getAndIncrement()) {
                            write(channel, ranges.get(i), buffer);
                            tally.add(ranges.get(i).length);
                        }
                    } catch (Throwable e) {
                        next.set(ranges.size()); // the other workers stop at their next range
                        throw e;
                    }
                    return null;
                }));
            }
            try {
                for (Future<?> worker : running) {
                    worker.get();
                }
            } finally {
                next.set(ranges.size()); // also when this thread is interrupted while it waits
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while writing", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException cause -> throw cause;
                case RuntimeException cause -> throw cause;
                case null, default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    private static void write(FileChannel channel, Range range, MemorySegment buffer) throws IOException {
        MemorySegment bytes = range.placed
                .tensor
                .mapped()
                .map(stored -> stored.asSlice(range.offset, range.length))
                .orElseGet(() -> {
                    MemorySegment computed = buffer.asSlice(0, range.length);
                    range.placed.tensor.read(range.offset, computed);
                    return computed;
                });
        writeFully(channel, bytes.asByteBuffer(), range.placed.position + range.offset);
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        while (bytes.hasRemaining()) {
            position += channel.write(bytes, position);
        }
    }

    /** Adds up what the workers have written and tells the listener, one worker at a time. */
    private static final class Tally {
        private final long total;
        private final Progress progress;
        private long done;

        Tally(long total, Progress progress) {
            this.total = total;
            this.progress = progress;
        }

        synchronized void add(long bytes) {
            done += bytes;
            progress.update(done, total);
        }
    }
}
