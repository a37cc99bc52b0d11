package dev.atelier;

import dev.atelier.checkpoint.FileStamp;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.model.Embedding;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** The embeddings in folders. Looked for anew each time; files that are as they were are not read again. */
final class EmbeddingFolders {
    private static final Set<String> EXTENSIONS = Set.of("pt", "bin", "safetensors");

    /** What AUTOMATIC1111 and others call them. */
    private static final Set<String> NAMES = Set.of("embeddings", "textual_inversion", "textual-inversion");

    /** Far more than 75 vectors for every encoder take, with whatever else a training leaves in the file. */
    private static final long MAX_SIZE = 64L << 20;

    private final List<Path> folders;
    private final List<Path> models;
    private final Map<FileStamp, Optional<Embedding>> read = new HashMap<>();

    /** @param models folders of models of all kinds, in which some are for embeddings */
    EmbeddingFolders(List<Path> folders, List<Path> models) {
        this.folders = folders;
        this.models = models;
    }

    private List<Path> folders() {
        List<Path> all = new ArrayList<>(folders);
        models.forEach(folder -> all.addAll(ModelTree.folders(folder, NAMES)));
        return all;
    }

    /** @param notes is told of files that cannot be read, once each */
    Collection<Embedding> embeddings(Consumer<String> notes) {
        Map<FileStamp, Optional<Embedding>> now = new LinkedHashMap<>();
        for (Path folder : folders()) {
            for (Path file : ModelTree.files(folder, EXTENSIONS)) {
                FileStamp stamp = FileStamp.of(file);
                Optional<Embedding> known = read.get(stamp);
                now.put(stamp, known != null ? known : read(stamp, notes));
            }
        }
        read.clear();
        read.putAll(now);
        return now.values().stream().flatMap(Optional::stream).toList();
    }

    private static Optional<Embedding> read(FileStamp stamp, Consumer<String> notes) {
        if (stamp.size() > MAX_SIZE) {
            notes.accept("%s is too large for an embedding".formatted(stamp.path()));
            return Optional.empty();
        }
        try {
            return Optional.of(Embedding.open(stamp.path()));
        } catch (InvalidCheckpointException | UncheckedIOException e) {
            notes.accept(String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }
}
