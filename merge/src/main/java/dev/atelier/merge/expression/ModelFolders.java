package dev.atelier.merge.expression;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Names of models that lie in folders, at any depth. A model is known by its path below the folder and by its file name,
 * both with or without extension; a path of a file that exists goes before all of them. The folders are read when the
 * first name asks for it.
 */
public final class ModelFolders implements ModelNames {
    private static final Set<String> EXTENSIONS = Set.of("safetensors", "ckpt", "pt", "pth", "bin");
    private static final String DIFFUSERS = "model_index.json";
    private static final int MAX_DEPTH = 10;

    private final List<Path> folders;
    private @Nullable Map<String, List<Path>> index;

    public ModelFolders(List<Path> folders) {
        this.folders = List.copyOf(folders);
    }

    @Override
    public Optional<Path> find(String name) {
        Optional<Path> path = PATHS.find(name);
        if (path.isPresent() || folders.isEmpty()) {
            return path;
        }
        List<Path> files = index().getOrDefault(name.replace('\\', '/'), List.of());
        if (files.size() > 1) {
            throw new IllegalArgumentException("there are several models called \"%s\": %s".formatted(name, files));
        }
        return files.stream().findFirst();
    }

    @Override
    public Collection<String> known() {
        return folders.isEmpty() ? List.of() : index().keySet();
    }

    private synchronized Map<String, List<Path>> index() {
        if (index == null) {
            Map<String, List<Path>> found = new LinkedHashMap<>();
            for (Path folder : folders) {
                try {
                    Files.walkFileTree(
                            folder, EnumSet.of(FileVisitOption.FOLLOW_LINKS), MAX_DEPTH, new Collector(folder, found));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            index = found;
        }
        return index;
    }

    private static final class Collector extends SimpleFileVisitor<Path> {
        private final Path root;
        private final Map<String, List<Path>> found;

        Collector(Path root, Map<String, List<Path>> found) {
            this.root = root;
            this.found = found;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            if (Files.exists(folder.resolve(DIFFUSERS))) {
                add(folder, false);
                return FileVisitResult.SKIP_SUBTREE;
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            String name = file.getFileName().toString();
            if (!name.startsWith(".") && EXTENSIONS.contains(name.substring(name.lastIndexOf('.') + 1))) {
                add(file, true);
            }
            return FileVisitResult.CONTINUE;
        }

        /** What cannot be read is not there. */
        @Override
        public FileVisitResult visitFileFailed(Path file, IOException problem) throws IOException {
            if (file.equals(root)) {
                throw problem;
            }
            return FileVisitResult.CONTINUE;
        }

        private void add(Path model, boolean hasExtension) {
            String relative = root.relativize(model).toString().replace('\\', '/');
            Set<String> names = new LinkedHashSet<>();
            names.add(relative);
            names.add(relative.substring(relative.lastIndexOf('/') + 1));
            if (hasExtension) {
                List.copyOf(names).forEach(name -> names.add(name.substring(0, name.lastIndexOf('.'))));
            }
            names.forEach(
                    name -> found.computeIfAbsent(name, _ -> new ArrayList<>()).add(model));
        }
    }
}
