package dev.atelier.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Writes tensors to places in a file that are known beforehand. The data is cut into ranges that any number of threads
 * evaluate and write in any order; the bytes are the same whatever the number.
 */
final class DataWriter {
    /** Bytes evaluated and written at once: large enough for the disk, small enough to stay in the cache. */
    private static final int RANGE = 1 << 20;

    private final FileChannel channel;
    private final int maxThreads;

    /** A tensor and the file position of its first byte. */
    record Placed(Tensor tensor, long position) {}

    private record Range(Placed placed, long offset, int length) {}

    DataWriter(FileChannel channel, int maxThreads) {
        this.channel = channel;
        this.maxThreads = maxThreads;
    }

    /** Writes every tensor to its place, evaluating those that are computed. */
    void write(List<Placed> tensors, Progress progress) throws IOException {
        List<Range> ranges = ranges(tensors);
        long total =
                tensors.stream().mapToLong(placed -> placed.tensor.byteSize()).sum();
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
                            write(ranges.get(i), buffer);
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
                case InternalError cause -> // the Java machine's word for mapped memory that is no longer there
                    throw new IOException(
                            "an input was shortened while it was read; wait until it is complete and try again", cause);
                case null, default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    private static List<Range> ranges(List<Placed> tensors) {
        List<Range> ranges = new ArrayList<>();
        for (Placed placed : tensors) {
            long size = placed.tensor.byteSize();
            for (long offset = 0; offset < size; offset += RANGE) {
                ranges.add(new Range(placed, offset, (int) Math.min(RANGE, size - offset)));
            }
        }
        return ranges;
    }

    private void write(Range range, MemorySegment buffer) throws IOException {
        MemorySegment bytes = range.placed
                .tensor
                .mapped()
                .map(stored -> stored.asSlice(range.offset, range.length))
                .orElseGet(() -> {
                    MemorySegment computed = buffer.asSlice(0, range.length);
                    range.placed.tensor.read(range.offset, computed);
                    return computed;
                });
        write(bytes.asByteBuffer(), range.placed.position + range.offset);
    }

    /** Writes all of {@code bytes} at {@code position}. */
    void write(ByteBuffer bytes, long position) throws IOException {
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
