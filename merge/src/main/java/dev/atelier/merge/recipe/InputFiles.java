package dev.atelier.merge.recipe;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.merge.recipe.Step.Input;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** The files that a model consists of: one, or those of a diffusers folder, or an index and the shards that it names. */
public record InputFiles(Path model, List<Path> files) {
    private static final String INDEX = ".index.json";

    public InputFiles {
        files = List.copyOf(files);
    }

    /** @throws UncheckedIOException if it cannot be read */
    public static InputFiles of(Path model) {
        if (Files.isDirectory(model)) {
            try (Stream<Path> all = Files.walk(model)) {
                return new InputFiles(
                        model,
                        all.filter(file -> Files.isRegularFile(file)
                                        && !file.getFileName().toString().startsWith("."))
                                .sorted()
                                .toList());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        if (model.toString().endsWith(INDEX)) {
            return new InputFiles(
                    model,
                    Stream.concat(Stream.of(model), Checkpoints.open(model).sources().stream())
                            .distinct()
                            .sorted()
                            .toList());
        }
        return new InputFiles(model, List.of(model));
    }

    /** All of them together, in bytes. */
    public long size() {
        long size = 0;
        for (Path file : files) {
            try {
                size += Files.size(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return size;
    }

    /**
     * The SHA-256 of the file; where there are several, that of a list with a line for each in order of their names: its
     * SHA-256, two spaces, its path from the folder with forward slashes, and a line feed, as {@code sha256sum} writes it.
     *
     * @param hash gives the SHA-256 of a file, 64 lower-case hex digits
     */
    public String sha256(Function<Path, String> hash) {
        if (files.size() == 1 && files.getFirst().equals(model)) {
            return hash.apply(model);
        }
        Path inside = Files.isDirectory(model) ? model : model.resolveSibling("");
        Path folder = inside.toAbsolutePath().normalize();
        StringBuilder list = new StringBuilder();
        for (Path file : files) {
            Path relative = folder.relativize(file.toAbsolutePath().normalize());
            list.append(hash.apply(file))
                    .append("  ")
                    .append(relative.toString().replace('\\', '/'))
                    .append('\n');
        }
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256")
                            .digest(list.toString().getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    Input input(Function<Path, String> hash) {
        return new Input(model.toAbsolutePath().normalize().getFileName().toString(), size(), sha256(hash));
    }
}
