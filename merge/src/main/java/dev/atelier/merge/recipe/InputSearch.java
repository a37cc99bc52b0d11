package dev.atelier.merge.recipe;

import dev.atelier.merge.recipe.Step.Input;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;

/** Finds the inputs of a recipe by what is in them, whatever they are called now. Only files of the right size are read. */
public final class InputSearch {
    private static final String DIFFUSERS = "model_index.json";
    private static final int MAX_DEPTH = 10;
    private static final int SHOWN_DIGITS = 10;

    private final Function<Path, String> hash;
    private final List<InputFiles> candidates = new ArrayList<>();

    /**
     * @param places files and folders; folders are searched at any depth
     * @param hash gives the SHA-256 of a file, 64 lower-case hex digits
     * @throws UncheckedIOException if a place cannot be read
     */
    public InputSearch(List<Path> places, Function<Path, String> hash) {
        this.hash = hash;
        for (Path place : places) {
            try {
                Files.walkFileTree(place, EnumSet.of(FileVisitOption.FOLLOW_LINKS), MAX_DEPTH, new Collector(place));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /**
     * The inputs by the names that the step gives them.
     *
     * @throws IllegalArgumentException naming the first input that is not there, or is there and is another file now
     */
    public SequencedMap<String, Path> find(Step step) {
        SequencedMap<String, Path> found = new LinkedHashMap<>();
        step.inputs().forEach((name, input) -> found.put(name, find(name, input)));
        return found;
    }

    private Path find(String name, Input input) {
        List<InputFiles> likely = candidates.stream()
                .filter(files -> input.size() > 0 ? files.size() == input.size() : isNamed(files, input))
                .sorted(Comparator.comparing(files -> !isNamed(files, input)))
                .toList();
        for (InputFiles files : likely) {
            if (!input.sha256().isEmpty() && files.sha256(hash).equals(input.sha256())) {
                return files.model();
            }
        }
        Optional<InputFiles> changed =
                candidates.stream().filter(files -> isNamed(files, input)).findFirst();
        if (changed.isPresent()) {
            throw new IllegalArgumentException(changed(name, input, changed.get()));
        }
        throw new IllegalArgumentException(
                "%s, which the recipe calls %s, is in none of the places looked at (sha256 %s%s); give its folder with --models"
                        .formatted(
                                input.file().isEmpty() ? "a file" : "\"" + input.file() + "\"",
                                name,
                                input.sha256().isEmpty() ? "unknown" : input.sha256(),
                                input.size() > 0 ? String.format(Locale.ROOT, ", %,d bytes", input.size()) : ""));
    }

    private String changed(String name, Input input, InputFiles files) {
        String difference = input.size() > 0 && files.size() != input.size()
                ? String.format(Locale.ROOT, "it has %,d bytes, and the recipe's %,d", files.size(), input.size())
                : "its sha256 starts with %s, that of the recipe's with %s"
                        .formatted(files.sha256(hash).substring(0, SHOWN_DIGITS), input.shortHash());
        return "%s is not the file that the recipe calls %s: %s".formatted(files.model(), name, difference);
    }

    private static boolean isNamed(InputFiles files, Input input) {
        return files.model().toAbsolutePath().normalize().endsWith(input.file());
    }

    private final class Collector extends SimpleFileVisitor<Path> {
        private final Path root;

        Collector(Path root) {
            this.root = root;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            if (Files.exists(folder.resolve(DIFFUSERS))) {
                candidates.add(InputFiles.of(folder));
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile() && !file.getFileName().toString().startsWith(".")) {
                try {
                    candidates.add(InputFiles.of(file));
                } catch (RuntimeException _) {
                    // the index of shards that are not there: no model
                }
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
    }
}
