package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.FileStamp;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Hypernetworks by their files' names without extension, in the folders among models of all kinds that are called
 * {@code hypernetworks}.
 */
final class HypernetworkFolders {
    private static final Set<String> NAMES = Set.of("hypernetworks");
    private static final Set<String> EXTENSIONS = Set.of("pt", "safetensors");

    private final List<Path> models;
    private final Map<FileStamp, Checkpoint> opened = new HashMap<>();

    HypernetworkFolders(List<Path> models) {
        this.models = models;
    }

    /** @throws dev.atelier.checkpoint.InvalidCheckpointException if it cannot be read */
    Optional<Checkpoint> find(String name) {
        return models.stream()
                .flatMap(folder -> ModelTree.folders(folder, NAMES).stream())
                .flatMap(folder -> ModelTree.files(folder, EXTENSIONS).stream())
                .filter(file -> ModelTree.stem(file).equals(name))
                .findFirst()
                .map(file -> opened.computeIfAbsent(FileStamp.of(file), stamp -> Checkpoints.open(stamp.path())));
    }
}
