package dev.atelier.cli;

import dev.atelier.Cache;
import dev.atelier.catalog.Catalog;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.merge.recipe.InputFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The SHA-256 of files, each computed once and remembered as long as the file stays as it is, see {@link Cache}; those that the
 * catalog knows are not computed at all. The others are computed beside other work, which reads the same pages of the files at
 * about the same time, until this is closed.
 */
final class Hashes implements AutoCloseable {
    private final Map<Path, CompletableFuture<String>> hashes = new ConcurrentHashMap<>();
    private final ExecutorService pool = Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            Thread.ofPlatform().daemon().name("hash-", 0).factory());
    private final Map<Path, String> standIns = new HashMap<>();
    private volatile boolean closed;

    /** Begins with the files of these models. */
    static Hashes of(Collection<Path> models) {
        Hashes hashes = new Hashes();
        models.stream()
                .flatMap(model -> InputFiles.of(model).files().stream())
                .distinct()
                .forEach(file -> {
                    var _ = hashes.begin(file);
                });
        return hashes;
    }

    private CompletableFuture<String> begin(Path file) {
        return hashes.computeIfAbsent(
                file,
                unknown -> known(unknown)
                        .map(CompletableFuture::completedFuture)
                        .orElseGet(() -> CompletableFuture.supplyAsync(() -> compute(unknown), pool)));
    }

    private static Optional<String> known(Path file) {
        try {
            Optional<String> remembered = Cache.ofUser().knownSha256(file);
            return remembered.isPresent() ? remembered : catalogued(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Optional<String> catalogued(Path file) {
        if (!Files.exists(Catalog.defaultFile())) {
            return Optional.empty();
        }
        try (Catalog catalog = Catalog.open(Catalog.defaultFile())) {
            return catalog.sha256(FileStamp.of(file));
        } catch (UncheckedIOException _) {
            return Optional.empty(); // a catalog that cannot be read is done without
        }
    }

    private String compute(Path file) {
        try {
            return Cache.ofUser().sha256(file, (_, _) -> {
                if (closed) {
                    throw new CancellationException();
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for it. */
    String sha256(Path file) {
        try {
            return begin(file).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** Whether there is nothing to wait for. */
    boolean allKnown() {
        return hashes.values().stream().allMatch(CompletableFuture::isDone);
    }

    /** The hash if it is there by now; otherwise as many digits that no other file has. */
    String expected(Path file) {
        return begin(file).isDone()
                ? sha256(file)
                : standIns.computeIfAbsent(file, _ -> "%064x".formatted(standIns.size()));
    }

    @Override
    public void close() {
        closed = true;
        pool.shutdown();
    }
}
