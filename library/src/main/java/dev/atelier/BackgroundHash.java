package dev.atelier;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The short hash of a file, computed beside other work: 4 GB take several seconds, and a picture need not wait. */
final class BackgroundHash implements AutoCloseable {
    private static final int SHORT = 10;

    private final CompletableFuture<@Nullable String> hash = new CompletableFuture<>();
    private volatile boolean closed;

    static BackgroundHash of(Path file) {
        BackgroundHash background = new BackgroundHash();
        Thread.ofPlatform().daemon().name("hash of " + file.getFileName()).start(() -> background.compute(file));
        return background;
    }

    private void compute(Path file) {
        try {
            String sha256 = Cache.ofUser().sha256(file, (done, total) -> {
                if (closed) {
                    throw new CancellationException();
                }
            });
            hash.complete(sha256.substring(0, SHORT));
        } catch (IOException | RuntimeException _) {
            hash.complete(null);
        }
    }

    /** Waits for it; null for a folder, and if the file could not be read any more, which is no reason to lose a picture. */
    @Nullable
    String get() {
        return hash.join();
    }

    /** Stops the computation. */
    @Override
    public void close() {
        closed = true;
    }
}
