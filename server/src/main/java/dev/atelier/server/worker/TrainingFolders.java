package dev.atelier.server.worker;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Where the state of trainings is kept until they are finished: a folder for each, which is called as its job. */
public final class TrainingFolders {
    private TrainingFolders() {}

    /**
     * Deletes what trainings have left that will not go on: those that were cancelled while they waited, or given up.
     *
     * @param isOpen whether the job of this id is to go on
     */
    public static void tidy(Path folder, Predicate<String> isOpen) {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (Stream<Path> folders = Files.list(folder)) {
            List<Path> left = folders.filter(path -> !isOpen.test(String.valueOf(path.getFileName())))
                    .toList();
            for (Path path : left) {
                delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
