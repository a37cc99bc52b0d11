package dev.atelier.cli;

import dev.atelier.Cache;
import dev.atelier.checkpoint.Progress;
import dev.atelier.merge.recipe.InputFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The SHA-256 of files, each computed once and remembered as long as the file stays as it is, see {@link Cache}. */
final class Hashes {
    private final Map<Path, String> known = new ConcurrentHashMap<>();

    /** Reads the models that are not known yet, as many files at once as there are cores. */
    static Hashes of(Collection<Path> models) {
        List<Path> files = models.stream()
                .flatMap(model -> InputFiles.of(model).files().stream())
                .distinct()
                .toList();
        Hashes hashes = new Hashes();
        try (Bar bar = Bar.bytes("Hashing")) {
            List<String> sha256 = EachFile.of(files, Hashes::read, bar.progress());
            for (int i = 0; i < files.size(); i++) {
                hashes.known.put(files.get(i), sha256.get(i));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return hashes;
    }

    String sha256(Path file) {
        return known.computeIfAbsent(file, unknown -> {
            try (Bar bar = Bar.bytes("Hashing " + unknown.getFileName())) {
                return read(unknown, bar.progress());
            }
        });
    }

    private static String read(Path file, Progress progress) {
        try {
            return Cache.ofUser().sha256(file, progress);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
