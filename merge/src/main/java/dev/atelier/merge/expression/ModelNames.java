package dev.atelier.merge.expression;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Which file a name in an expression stands for. */
@FunctionalInterface
public interface ModelNames {
    /** Names are paths of files or folders that exist, and nothing else. */
    ModelNames PATHS = name -> {
        try {
            return Optional.of(Path.of(name)).filter(Files::exists);
        } catch (InvalidPathException _) {
            return Optional.empty(); // a name with characters that no file can have
        }
    };

    /**
     * The file or folder of that name, if there is one.
     *
     * @throws IllegalArgumentException if there are several, naming them
     */
    Optional<Path> find(String name);

    /** Names to suggest in place of one that is not found. */
    default Collection<String> known() {
        return List.of();
    }

    /** Says that {@link #find} finds nothing, and what may have been meant. */
    default String notFound(String name) {
        boolean glued = name.matches(".*[\\p{L}\\p{N}][-/][\\p{L}\\p{N}].*") && !name.matches(".*\\.[a-zA-Z]{2,}");
        return "there is no such file or model as \"%s\"%s%s"
                .formatted(
                        name,
                        Suggestions.of(name, known()),
                        glued ? "; around a minus or a division write spaces" : "");
    }
}
