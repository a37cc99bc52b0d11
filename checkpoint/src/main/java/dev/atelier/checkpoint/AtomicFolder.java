package dev.atelier.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A folder that appears under its name only when it is complete. Until {@link #commit} it is a hidden sibling, which is removed on
 * failure, on cancellation and when the program is stopped; if that is killed, by whoever writes beside it next.
 */
final class AtomicFolder implements AutoCloseable {
    private final Path target;
    private final Path part;
    private final FileChannel lock;
    private final Thread onExit;

    private AtomicFolder(Path target, Path part, FileChannel lock) {
        this.target = target;
        this.part = part;
        this.lock = lock;
        this.onExit = new Thread(() -> deleteQuietly(part));
        Runtime.getRuntime().addShutdownHook(onExit);
    }

    /** @throws IOException if the folder that is to hold it is missing or its disk has no room for {@code size} bytes */
    static AtomicFolder create(Path target, long size) throws IOException {
        Path absolute = target.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw new IOException("the folder %s does not exist".formatted(parent));
        }
        Leftovers.remove(parent);
        long room = Files.getFileStore(parent).getUsableSpace();
        if (room < size) {
            throw new IOException("%s needs %d bytes but its disk has room for %d".formatted(target, size, room));
        }
        while (true) {
            Path part = Files.createDirectory(Leftovers.part(absolute));
            FileChannel lock = Leftovers.hold(part);
            if (lock != null) {
                return new AtomicFolder(absolute, part, lock);
            }
        }
    }

    /** Where the content goes until {@link #commit}. */
    Path path() {
        return part;
    }

    /** Puts the folder in place. One that is there already is put aside first, and deleted last. */
    void commit() throws IOException {
        lock.close();
        Leftovers.release(part);
        if (!Files.exists(target)) {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
            return;
        }
        Path old = Leftovers.old(target);
        Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
        try {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
            throw e;
        }
        Leftovers.delete(old);
    }

    @Override
    public void close() throws IOException {
        lock.close();
        Leftovers.delete(part);
        Leftovers.release(part);
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
        } catch (IllegalStateException _) {
            // the program is ending already and the hook runs
        }
    }

    private static void deleteQuietly(Path folder) {
        try {
            Leftovers.delete(folder);
        } catch (IOException _) {
            // the program is ending: there is nobody left to tell
        }
    }
}
