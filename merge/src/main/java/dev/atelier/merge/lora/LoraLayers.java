package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Progress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/** Work that is done layer by layer, several layers at once. */
final class LoraLayers {
    /** Copies of a layer's weight, in fp64, that are held while it is decomposed. */
    private static final int COPIES = 6;

    private LoraLayers() {}

    /**
     * What {@code work} makes of each layer, in their order.
     *
     * @param elements the size of a layer's weight: as many are worked on at once as fit into half of the heap
     */
    static <L, R> List<R> each(List<L> layers, ToLongFunction<L> elements, Function<L, R> work, Progress progress) {
        long total = layers.stream().mapToLong(elements).sum();
        long largest = layers.stream().mapToLong(elements).max().orElse(1);
        long room = Runtime.getRuntime().maxMemory() / 2 / (COPIES * Double.BYTES * Math.max(1, largest));
        int threads = Math.clamp(room, 1, Runtime.getRuntime().availableProcessors());
        AtomicBoolean failed = new AtomicBoolean();
        long done = 0;
        try (ExecutorService workers = Executors.newFixedThreadPool(threads)) {
            try {
                List<Future<R>> running = new ArrayList<>();
                for (L layer : layers) {
                    running.add(workers.submit(() -> {
                        if (failed.get()) {
                            throw new IllegalStateException("given up");
                        }
                        return work.apply(layer);
                    }));
                }
                List<R> results = new ArrayList<>();
                for (int i = 0; i < layers.size(); i++) {
                    progress.update(done, total);
                    results.add(running.get(i).get());
                    done += elements.applyAsLong(layers.get(i));
                }
                progress.update(total, total);
                return results;
            } finally {
                failed.set(true); // or already done: those that wait would only delay the end
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
