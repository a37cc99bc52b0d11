package dev.atelier.server.models;

import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.Progress;
import dev.atelier.model.DemoModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The checkpoint files below a folder, as AUTOMATIC1111 looks for them: by extension, without separate VAEs. Behind them
 * comes the model that is part of Atelier, so that there always is one.
 */
public final class FolderShelf implements ModelShelf {
    private static final int MAX_DEPTH = 8;

    private final Path folder;
    private final ModelFile demo;
    private volatile List<ModelFile> models = List.of();
    private volatile Map<String, ModelFile> aliases = Map.of();

    /** @param cache where the model that is part of Atelier is unpacked */
    public FolderShelf(Path folder, Path cache) {
        this.folder = folder;
        Path unpacked = DemoModel.unpack(cache);
        this.demo = model(unpacked.getFileName().toString(), unpacked, FileHash.sha256(unpacked, Progress.NONE));
        refresh();
    }

    @Override
    public List<ModelFile> list() {
        return models;
    }

    @Override
    public List<Path> folders() {
        return List.of(folder);
    }

    @Override
    public void refresh() {
        List<ModelFile> found = Files.isDirectory(folder) ? read() : List.of(demo);
        Map<String, ModelFile> named = new HashMap<>();
        found.forEach(model -> model.aliases().forEach(alias -> named.putIfAbsent(alias, model)));
        models = found;
        aliases = named;
    }

    @Override
    public Optional<ModelFile> find(String alias) {
        return Optional.ofNullable(aliases.get(alias));
    }

    private List<ModelFile> read() {
        try (Stream<Path> files = Files.walk(folder, MAX_DEPTH, FileVisitOption.FOLLOW_LINKS)) {
            Stream<ModelFile> found = files.filter(Files::isRegularFile)
                    .filter(FolderShelf::isCheckpoint)
                    .map(file -> model(folder.relativize(file).toString().replace('\\', '/'), file, null))
                    .sorted(Comparator.comparing(model -> model.name().toLowerCase(Locale.ROOT)));
            return Stream.concat(found, Stream.of(demo)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isCheckpoint(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return (name.endsWith(".safetensors") || name.endsWith(".ckpt"))
                && !name.endsWith(".vae.safetensors")
                && !name.endsWith(".vae.ckpt");
    }

    private static ModelFile model(String name, Path file, @Nullable String sha256) {
        try {
            return new ModelFile(
                    name,
                    file,
                    Files.size(file),
                    Files.getLastModifiedTime(file).toInstant(),
                    sha256);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
