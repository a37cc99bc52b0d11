package dev.atelier.server.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.UUID;

/** A folder; the key is the path below it. */
public final class FileStore implements ObjectStore {
    private final Path root;

    public FileStore(Path root) {
        this.root = root;
    }

    @Override
    public void put(String key, byte[] content) throws IOException {
        ObjectStore.requireKey(key);
        Path file = root.resolve(key);
        Path part = file.resolveSibling("." + UUID.randomUUID() + ".part");
        try {
            write(part, content);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            Files.deleteIfExists(part);
            throw e;
        }
    }

    private static void write(Path file, byte[] content) throws IOException {
        try {
            Files.write(file, content, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (NoSuchFileException _) {
            Files.createDirectories(file.getParent());
            Files.write(file, content, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        }
    }

    @Override
    public Optional<Stored> open(String key) throws IOException {
        if (!KEY.matcher(key).matches() || !Files.isRegularFile(root.resolve(key))) {
            return Optional.empty();
        }
        Path file = root.resolve(key);
        try {
            return Optional.of(new Stored(Files.size(file), Files.newInputStream(file)));
        } catch (NoSuchFileException _) {
            return Optional.empty();
        }
    }

    @Override
    public void delete(String key) throws IOException {
        ObjectStore.requireKey(key);
        Files.deleteIfExists(root.resolve(key));
    }

    @Override
    public void close() {}
}
