package dev.atelier.cli;

import dev.atelier.checkpoint.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;

/** Reads several files at once, as many as there are cores, with one progress for all. */
final class EachFile {
    private EachFile() {}

    /**
     * The results in the order of the files.
     *
     * @throws RuntimeException what the first failing file throws; the others are stopped
     */
    static <T> List<T> of(List<Path> files, BiFunction<Path, Progress, T> work, Progress progress) throws IOException {
        long total = 0;
        for (Path file : files) {
            total += Files.size(file);
        }
        Sum sum = new Sum(files.size(), total, progress);
        AtomicBoolean failed = new AtomicBoolean();
        int threads = Math.clamp(files.size(), 1, Runtime.getRuntime().availableProcessors());
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<CompletableFuture<T>> running = new ArrayList<>();
            for (int i = 0; i < files.size(); i++) {
                int index = i;
                CompletableFuture<T> one = CompletableFuture.supplyAsync(
                        () -> work.apply(files.get(index), (done, all) -> {
                            if (failed.get()) {
                                throw new CancellationException("another file failed");
                            }
                            sum.update(index, done);
                        }),
                        pool);
                running.add(one.whenComplete((_, failure) -> failed.compareAndSet(false, failure != null)));
            }
            return results(running);
        }
    }

    /** Waits for all and prefers the failure that was the cause over the cancellations that followed from it. */
    private static <T> List<T> results(List<CompletableFuture<T>> running) {
        List<T> results = new ArrayList<>();
        RuntimeException failure = null;
        for (CompletableFuture<T> one : running) {
            try {
                results.add(one.join());
            } catch (CancellationException e) {
                failure = failure == null ? e : failure;
            } catch (CompletionException e) {
                if (failure == null || failure instanceof CancellationException) {
                    failure = e.getCause() instanceof RuntimeException cause ? cause : e;
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
        return results;
    }

    private static final class Sum {
        private final long[] done;
        private final long total;
        private final Progress progress;
        private long all;

        Sum(int files, long total, Progress progress) {
            this.done = new long[files];
            this.total = total;
            this.progress = progress;
        }

        synchronized void update(int file, long reached) {
            all += reached - done[file];
            done[file] = reached;
            progress.update(all, total);
        }
    }
}
