package dev.atelier.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a program that was killed has left behind: hidden files and folders with names that nothing else has. Whoever still writes
 * to one holds a lock on it, which the system gives up when the program ends, however it ends.
 */
final class Leftovers {
    /** A part that is being written, or what it replaces: the final name, a random number, and which of the two it is. */
    private static final Pattern NAME =
            Pattern.compile("\\.(.+)\\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.(part|old)");

    /** Bytes of a name, so that with what is added here it has no more than the 255 that file systems allow. */
    private static final int LONGEST =
            255 - ("..".length() + UUID.randomUUID().toString().length() + ".part".length());

    /** The file in a folder on which the lock is held. */
    private static final String LOCK = ".lock";

    /** A folder without a file to lock is either very new or very nearly complete, or nobody's. */
    private static final Duration SHORT = Duration.ofMinutes(1);

    /** Those of this program: to open a file and close it again would give up its lock. */
    private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

    private Leftovers() {}

    /** A new name beside {@code target} for what is to become it. */
    static Path part(Path target) {
        String name = target.getFileName().toString();
        while (name.getBytes(StandardCharsets.UTF_8).length > LONGEST) {
            name = name.substring(0, name.offsetByCodePoints(name.length(), -1));
        }
        return hidden(target.resolveSibling(name), "part");
    }

    /** A new name beside {@code target} for what it replaces. */
    static Path old(Path target) {
        return hidden(target, "old");
    }

    private static Path hidden(Path target, String kind) {
        return target.toAbsolutePath()
                .resolveSibling(".%s.%s.%s".formatted(target.getFileName(), UUID.randomUUID(), kind));
    }

    /**
     * Marks a part as being written to, until its channel is closed.
     *
     * @return whether it is: not if another program has just taken it for a leftover
     */
    static boolean hold(Path part, FileChannel channel) {
        OWN.add(part);
        try {
            return channel.tryLock() != null && Files.exists(part);
        } catch (IOException _) {
            return true; // a file system without locks: nothing is ever taken for a leftover there
        }
    }

    /** As {@link #hold(Path, FileChannel)} for a folder; empty if it has been taken. */
    static @Nullable FileChannel hold(Path folder) throws IOException {
        OWN.add(folder);
        FileChannel channel =
                FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        if (hold(folder, channel)) {
            return channel;
        }
        channel.close();
        return null;
    }

    /** After the channel is closed. */
    static void release(Path part) throws IOException {
        if (Files.isDirectory(part)) {
            Files.deleteIfExists(part.resolve(LOCK));
        }
        OWN.remove(part);
    }

    /**
     * Removes the parts in a folder to which nobody writes any more, and puts back what one was about to replace. That it cannot
     * is no reason not to write something new.
     */
    static void remove(Path folder) {
        Set<String> busy = new HashSet<>();
        List<Path> replaced = new ArrayList<>();
        try (DirectoryStream<Path> hidden = Files.newDirectoryStream(folder, ".*.{part,old}")) {
            for (Path path : hidden) {
                Matcher name = NAME.matcher(path.getFileName().toString());
                if (!name.matches()) {
                    continue;
                }
                if (name.group(2).equals("old")) {
                    replaced.add(path);
                } else if (isHeld(path.toAbsolutePath())) {
                    busy.add(name.group(1));
                } else {
                    delete(path);
                }
            }
            for (Path old : replaced) {
                Matcher name = NAME.matcher(old.getFileName().toString());
                Path target = folder.resolve(name.matches() ? name.group(1) : "");
                if (busy.contains(target.getFileName().toString())) {
                    continue;
                }
                if (Files.exists(target)) {
                    delete(old);
                } else {
                    Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
                }
            }
        } catch (IOException | DirectoryIteratorException _) {
            // they stay, and the next one tries again
        }
    }

    private static boolean isHeld(Path part) throws IOException {
        if (OWN.contains(part)) {
            return true;
        }
        Path locked = Files.isDirectory(part) ? part.resolve(LOCK) : part;
        if (!Files.exists(locked)) {
            return Files.exists(part)
                    && Files.getLastModifiedTime(part)
                            .toInstant()
                            .isAfter(Instant.now().minus(SHORT));
        }
        try (FileChannel channel = FileChannel.open(locked, StandardOpenOption.WRITE)) {
            return channel.tryLock() == null;
        }
    }

    static void delete(Path path) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> content = Files.walk(path)) {
            for (Path each : content.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        }
    }
}
