package dev.atelier.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file that appears under its name only when it is complete and on disk. Until {@link #commit} the bytes go to a
 * hidden sibling, which is removed on failure, on cancellation and when the program is stopped; if that is killed, by whoever
 * writes into the folder next.
 */
final class AtomicFile implements AutoCloseable {
    /** Positions, lengths and addresses of {@link #direct} writes are multiples of this. */
    static final int ALIGNMENT = 4096;

    /** Smaller files had better stay in the page cache: they take no time, and are likely to be read next. */
    private static final long SMALLEST_DIRECT = 16 << 20;

    private final Path target;
    private final Path part;
    private final FileChannel channel;
    private final @Nullable FileChannel direct;
    private final Thread onExit;

    private AtomicFile(Path target, Path part, FileChannel channel, @Nullable FileChannel direct) {
        this.target = target;
        this.part = part;
        this.channel = channel;
        this.direct = direct;
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
            if (size >= SMALLEST_DIRECT) {
                DiskRoom.reserve(part, size);
            }
            if (Leftovers.hold(part, channel)) {
                return new AtomicFile(target, part, channel, size < SMALLEST_DIRECT ? null : openDirect(part));
            }
            channel.close();
        }
    }

    /** Null where the file system, or this Java platform, knows no direct writing. */
    private static @Nullable FileChannel openDirect(Path part) {
        try {
            // by name, because javac warns of each mention of an option that is not part of the standard
            Class<?> options = Class.forName("com.sun.nio.file.ExtendedOpenOption");
            Optional<OpenOption> direct = Arrays.stream(options.getEnumConstants())
                    .filter(option -> option.toString().equals("DIRECT"))
                    .map(OpenOption.class::cast)
                    .findFirst();
            if (direct.isEmpty() || ALIGNMENT % Files.getFileStore(part).getBlockSize() != 0) {
                return null;
            }
            return FileChannel.open(part, StandardOpenOption.WRITE, direct.get());
        } catch (ClassNotFoundException | UnsupportedOperationException | IOException _) {
            return null;
        }
    }

    FileChannel channel() {
        return channel;
    }

    /**
     * Another channel to the file that writes straight to the disk, and only whole multiples of {@link #ALIGNMENT}; not there
     * for small files and where the file system refuses it. What both channels write to must go through this one first.
     */
    Optional<FileChannel> direct() {
        return Optional.ofNullable(direct);
    }

    void commit() throws IOException {
        channel.force(true);
        closeDirect();
        channel.close();
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        // The new name is an entry of the folder, which has to reach the disk as well.
        try (FileChannel folder = FileChannel.open(part.resolveSibling("."), StandardOpenOption.READ)) {
            folder.force(true);
        } catch (IOException _) {
            // not every system lets a folder be opened; the file itself is complete and in place
        }
    }

    /** Only when nothing is written any more: closing either channel gives up the lock that marks the part as ours. */
    private void closeDirect() throws IOException {
        if (direct != null) {
            direct.close();
        }
    }

    @Override
    public void close() throws IOException {
        closeDirect();
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
