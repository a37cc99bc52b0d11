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
import org.jspecify.annotations.Nullable;

/**
 * Writes tensors to places in a file that are known beforehand. The file is cut into blocks that any number of threads
 * evaluate and write, taking turns in the order of the file; the bytes are the same whatever the number.
 *
 * <p>Large files are written past the page cache where the file system allows it ({@link AtomicFile#direct}): the disk then
 * sets the pace, and not the copying and cleaning up of pages, which takes longer than everything else together. Such
 * writes begin and end on multiples of {@link AtomicFile#ALIGNMENT}; so do the blocks, whose gaps and ends are filled with zeros.
 */
final class DataWriter {
    /** Bytes evaluated and written at once: large enough for the disk, small enough to stay in the cache. */
    private static final int BLOCK = 1 << 20;

    /** Threads beyond the processors: those that wait for the disk while the others compute. */
    private static final int WAITING = 2;

    /** Bounds the memory of buffers on large machines. */
    private static final int MAX_THREADS = 64;

    private final AtomicFile file;
    private final int threads;

    /** A tensor and the file position of its first byte. */
    record Placed(Tensor tensor, long position) {
        long end() {
            return position + tensor.byteSize();
        }
    }

    /** Hears of all bytes of all tensors, from several threads and in any order. */
    @FunctionalInterface
    interface Listener {
        Listener NONE = (_, _, _) -> {};

        /**
         * @param tensor its index among those that are written
         * @param after how many bytes of the tensor follow
         */
        void written(int tensor, MemorySegment bytes, long after);
    }

    /** Consecutive bytes of the file, with the tensors of which there is a part in them: {@code first} to {@code last}. */
    private record Block(long position, int length, int first, int last) {}

    DataWriter(AtomicFile file, int processors) {
        this.file = file;
        this.threads = file.direct().isPresent() ? processors + WAITING : processors;
    }

    /**
     * Writes every tensor to its place, evaluating those that are computed. What lies between the tensors becomes zeros.
     *
     * @param tensors in the order of their places
     * @param hash takes all blocks
     */
    void write(List<Placed> tensors, Listener listener, @Nullable RunningHash hash, Progress progress)
            throws IOException {
        List<Block> blocks = blocks(tensors);
        long total =
                tensors.stream().mapToLong(placed -> placed.tensor.byteSize()).sum();
        int workers = Math.clamp(blocks.size(), 1, Math.min(threads, MAX_THREADS));
        AtomicInteger next = new AtomicInteger();
        Tally tally = new Tally(total, progress);
        progress.update(0, total);
        try (ExecutorService pool = Executors.newFixedThreadPool(workers)) {
            List<Future<?>> running = new ArrayList<>();
            for (int worker = 0; worker < workers; worker++) {
                running.add(pool.submit(() -> {
                    try (Arena arena = Arena.ofConfined()) {
                        MemorySegment buffer = arena.allocate(BLOCK, AtomicFile.ALIGNMENT);
                        for (int i = next.getAndIncrement(); i < blocks.size(); i = next.getAndIncrement()) {
                            long bytes = fill(buffer, blocks.get(i), tensors, listener);
                            write(buffer, blocks.get(i));
                            if (hash != null) {
                                hash.update(blocks.get(i).position, buffer.asSlice(0, blocks.get(i).length));
                            }
                            tally.add(bytes);
                        }
                    } catch (Throwable e) {
                        next.set(blocks.size()); // the other workers stop at their next block
                        if (hash != null) {
                            hash.abandon();
                        }
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
                next.set(blocks.size()); // also when this thread is interrupted while it waits
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
        if (!tensors.isEmpty()) {
            file.channel().truncate(tensors.getLast().end()); // the last block may have been filled up
        }
    }

    private static List<Block> blocks(List<Placed> tensors) {
        List<Block> blocks = new ArrayList<>();
        if (tensors.isEmpty()) {
            return blocks;
        }
        long end = tensors.getLast().end();
        long start = tensors.getFirst().position / AtomicFile.ALIGNMENT * AtomicFile.ALIGNMENT;
        int first = 0;
        for (long position = start; position < end; position += BLOCK) {
            int length = (int) Math.min(BLOCK, end - position);
            while (tensors.get(first).end() <= position && first < tensors.size() - 1) {
                first++;
            }
            int last = first;
            while (last < tensors.size() && tensors.get(last).position < position + length) {
                last++;
            }
            blocks.add(new Block(position, length, first, last));
        }
        return blocks;
    }

    /** Puts the block's bytes into the buffer and returns how many of them are the tensors'. */
    private static long fill(MemorySegment buffer, Block block, List<Placed> tensors, Listener listener) {
        long filled = 0;
        long ofTensors = 0;
        for (int i = block.first; i < block.last; i++) {
            Placed placed = tensors.get(i);
            long from = Math.max(0, placed.position - block.position);
            long to = Math.min(block.length, placed.end() - block.position);
            if (to <= from) {
                continue; // without elements
            }
            buffer.asSlice(filled, from - filled).fill((byte) 0);
            MemorySegment part = buffer.asSlice(from, to - from);
            long offset = block.position + from - placed.position;
            placed.tensor.read(offset, part);
            listener.written(i, part, placed.tensor.byteSize() - offset - part.byteSize());
            filled = to;
            ofTensors += part.byteSize();
        }
        buffer.asSlice(filled).fill((byte) 0);
        return ofTensors;
    }

    private void write(MemorySegment buffer, Block block) throws IOException {
        if (file.direct().isPresent()) {
            long whole = Math.ceilDiv(block.length, AtomicFile.ALIGNMENT) * (long) AtomicFile.ALIGNMENT;
            write(file.direct().get(), buffer.asSlice(0, whole).asByteBuffer(), block.position);
        } else {
            write(file.channel(), buffer.asSlice(0, block.length).asByteBuffer(), block.position);
        }
    }

    /** Writes all of {@code bytes} at {@code position}, after the tensors, whose blocks would overwrite it. */
    void write(ByteBuffer bytes, long position) throws IOException {
        write(file.channel(), bytes, position);
    }

    private static void write(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
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
