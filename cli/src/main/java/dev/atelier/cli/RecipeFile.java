package dev.atelier.cli;

import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.merge.recipe.Recipe;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A recipe as users hand it over: as JSON, or in a checkpoint. */
final class RecipeFile {
    private RecipeFile() {}

    /**
     * @throws IllegalArgumentException if the checkpoint has none
     * @throws InvalidCheckpointException if the file is neither a recipe nor a checkpoint
     */
    static Recipe read(Path file) {
        return isJson(file)
                ? Recipe.read(file)
                : Recipe.in(file)
                        .orElseThrow(() -> new IllegalArgumentException(
                                "%s carries no recipe: no program that writes one has made it, or somebody has removed it"
                                        .formatted(file)));
    }

    /** Whether it is a recipe on its own. */
    static boolean isJson(Path file) {
        if (Files.isDirectory(file)) {
            return false;
        }
        try (InputStream start = Files.newInputStream(file)) {
            return start.read() == '{';
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
