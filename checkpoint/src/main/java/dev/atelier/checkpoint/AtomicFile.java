package dev.atelier.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file that appears under its name only when it is complete and on disk. Until {@link #commit} the bytes go to a
 * hidden sibling, which is removed on failure, on cancellation and when the program is stopped; if that is killed, by whoever
 * writes into the folder next.
 */
final class AtomicFile implements AutoCloseable {
    private final Path target;
    private final Path part;
    private final FileChannel channel;
    private final Thread onExit;

    private AtomicFile(Path target, Path part, FileChannel channel) {
        this.target = target;
        this.part = part;
        this.channel = channel;
        this.onExit = new Thread(() -> {
            try {
                Files.deleteIfExists(part);
            } catch (IOException _) {
                // the program is ending: there is nobody left to tell
            }
        });
        try {
            Runtime.getRuntime().addShutdownHook(onExit);
        } catch (IllegalStateException _) {
            // the program is ending and waits for this very file, such as the state of a training
        }
    }

    /** @throws IOException if the folder is missing or its disk has no room for {@code size} bytes */
    static AtomicFile create(Path target, long size) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new IOException("the folder %s does not exist".formatted(folder));
        }
        Leftovers.remove(folder);
        long room = Files.getFileStore(folder).getUsableSpace();
        if (room < size) {
            throw new IOException("%s needs %d bytes but its disk has room for %d".formatted(target, size, room));
        }
        while (true) {
            Path part = Leftovers.part(target);
            FileChannel channel = FileChannel.open(
                    part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.READ);
            if (Leftovers.hold(part, channel)) {
                return new AtomicFile(target, part, channel);
            }
            channel.close();
        }
    }

    FileChannel channel() {
        return channel;
    }

    void commit() throws IOException {
        channel.force(true);
        channel.close();
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        // The new name is an entry of the folder, which has to reach the disk as well.
        try (FileChannel folder = FileChannel.open(part.resolveSibling("."), StandardOpenOption.READ)) {
            folder.force(true);
        } catch (IOException _) {
            // not every system lets a folder be opened; the file itself is complete and in place
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(part);
        Leftovers.release(part);
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
        } catch (IllegalStateException _) {
            // the program is ending already and the hook runs
        }
    }
}
