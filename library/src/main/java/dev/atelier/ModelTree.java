package dev.atelier;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** What lies below a folder, at any depth; links are followed, and what is hidden or cannot be read is passed over. */
final class ModelTree extends SimpleFileVisitor<Path> {
    private static final int MAX_DEPTH = 10;

    private final Path root;
    private final List<Path> folders = new ArrayList<>();
    private final List<Path> files = new ArrayList<>();

    private ModelTree(Path root) {
        this.root = root;
    }

    private static ModelTree below(Path root) {
        ModelTree tree = new ModelTree(root);
        try {
            if (Files.isDirectory(root)) {
                Files.walkFileTree(root, EnumSet.of(FileVisitOption.FOLLOW_LINKS), MAX_DEPTH, tree);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return tree;
    }

    /** The files with one of these extensions, in the order of their names. */
    static List<Path> files(Path root, Set<String> extensions) {
        return below(root).files.stream()
                .filter(file -> extensions.contains(extension(file)))
                .sorted(Comparator.comparing((Path file) -> file.toString().toLowerCase(Locale.ROOT)))
                .toList();
    }

    /** The folders of these names, which are compared without regard to capitals. */
    static List<Path> folders(Path root, Set<String> names) {
        return below(root).folders.stream()
                .filter(folder -> names.contains(name(folder).toLowerCase(Locale.ROOT)))
                .sorted()
                .toList();
    }

    /** The file of that name among models of all kinds, the first in a folder of one of these names, or else the first. */
    static Optional<Path> named(String name, List<Path> files, Set<String> folders) {
        List<Path> meant =
                files.stream().filter(file -> stem(file).equals(name)).toList();
        return meant.stream()
                .filter(file -> liesIn(folders, file))
                .findFirst()
                .or(() -> meant.stream().findFirst());
    }

    private static boolean liesIn(Set<String> folders, Path file) {
        for (Path part : file) {
            if (folders.contains(part.toString().toLowerCase(Locale.ROOT))) {
                return true;
            }
        }
        return false;
    }

    /** A file's name without extension. */
    static String stem(Path file) {
        String name = name(file);
        return name.lastIndexOf('.') > 0 ? name.substring(0, name.lastIndexOf('.')) : name;
    }

    private static String extension(Path file) {
        String name = name(file);
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }

    private static String name(Path path) {
        return path.toAbsolutePath().getFileName().toString();
    }

    @Override
    public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
        if (!folder.equals(root) && name(folder).startsWith(".")) {
            return FileVisitResult.SKIP_SUBTREE;
        }
        folders.add(folder);
        return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
        if (attributes.isRegularFile() && attributes.size() > 0 && !name(file).startsWith(".")) {
            files.add(file);
        }
        return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException problem) {
        return FileVisitResult.CONTINUE;
    }
}
