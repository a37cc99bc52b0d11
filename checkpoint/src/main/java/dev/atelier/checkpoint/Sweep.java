package dev.atelier.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Visits every byte of a list of tensors once, cut into ranges, on all cores and in any order. Memory stays constant;
 * whoever adds up numbers keeps one per range and adds them in the order of the ranges, so that sums do not depend on
 * which thread was faster.
 */
public final class Sweep {
    /** Bytes of the longest range. */
    public static final int MAX_LENGTH = 1 << 20;

    private Sweep() {}

    /**
     * Part of a tensor.
     *
     * @param index of the range among all ranges
     * @param tensor index of the tensor in the list
     * @param offset of its first byte, a multiple of 8
     * @param length in bytes; a multiple of 8 but at the tensor's end
     */
    public record Range(int index, int tensor, long offset, int length) {}

    /** One thread's worker: never called by two at once, so it may own buffers. */
    @FunctionalInterface
    public interface Visitor {
        void visit(Range range);
    }

    /** The ranges of these tensors, in order. */
    public static List<Range> ranges(List<? extends Tensor> tensors) {
        List<Range> ranges = new ArrayList<>();
        for (int tensor = 0; tensor < tensors.size(); tensor++) {
            long size = tensors.get(tensor).byteSize();
            for (long offset = 0; offset < size; offset += MAX_LENGTH) {
                ranges.add(new Range(ranges.size(), tensor, offset, (int) Math.min(MAX_LENGTH, size - offset)));
            }
        }
        return ranges;
    }

    /**
     * Visits all ranges.
     *
     * @param visitors makes a visitor for each thread
     * @throws RuntimeException the first that a visitor or the listener throws; no further range is begun
     */
    public static void over(List<Range> ranges, Supplier<Visitor> visitors, Progress progress) {
        long total = ranges.stream().mapToLong(Range::length).sum();
        int threads = Math.clamp(ranges.size(), 1, Runtime.getRuntime().availableProcessors());
        AtomicInteger next = new AtomicInteger();
        Object turn = new Object();
        long[] done = {0};
        progress.update(0, total);
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<CompletableFuture<Void>> workers = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                workers.add(CompletableFuture.runAsync(
                        () -> {
                            try {
                                Visitor visitor = visitors.get();
                                for (int i = next.getAndIncrement(); i < ranges.size(); i = next.getAndIncrement()) {
                                    visitor.visit(ranges.get(i));
                                    synchronized (turn) {
                                        done[0] += ranges.get(i).length;
                                        progress.update(done[0], total);
                                    }
                                }
                            } finally {
                                next.set(ranges.size()); // after a failure the others stop at their next range
                            }
                        },
                        pool));
            }
            for (CompletableFuture<Void> worker : workers) {
                worker.join();
            }
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw e;
            }
        }
    }
}
