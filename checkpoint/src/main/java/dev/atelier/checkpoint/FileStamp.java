package dev.atelier.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What changes when a file is written to or replaced: its size, its time of modification and, where the file system has
 * one, its identity (the inode).
 */
public record FileStamp(
        Path path, long size, FileTime modified, @Nullable Object identity) {

    /** @throws UncheckedIOException if there is no such file */
    public static FileStamp of(Path path) {
        try {
            BasicFileAttributes now = Files.readAttributes(path, BasicFileAttributes.class);
            return new FileStamp(path, now.size(), now.lastModifiedTime(), now.fileKey());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Of those of the files that are there; a checkpoint in memory may name others. */
    static List<FileStamp> of(List<Path> paths) {
        return paths.stream().filter(Files::exists).map(FileStamp::of).toList();
    }

    /** @throws UncheckedIOException if the file is no longer what it was: what was read from it may be a mixture */
    public void requireUnchanged() {
        FileStamp now = of(path);
        if (now.size != size || !now.modified.equals(modified) || !Objects.equals(now.identity, identity)) {
            throw new UncheckedIOException(new IOException(
                    "%s was changed while it was read; wait until it is complete and try again".formatted(path)));
        }
    }
}
