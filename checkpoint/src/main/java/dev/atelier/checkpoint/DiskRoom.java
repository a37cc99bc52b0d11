package dev.atelier.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Room on the disk for a file that is about to be written. Where a file has it, several direct writes run at once; those that
 * make a file longer wait for one another. Java has no call for it, Linux has {@code fallocate}.
 */
final class DiskRoom {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

    private DiskRoom() {}

    /** Makes {@code file}, which is open, that long, if this system and its file system can do that without writing; or else does nothing. */
    static void reserve(Path file, long size) {
        if (!DiskRoom.class.getModule().isNativeAccessEnabled()) {
            return; // and be no reason for a warning
        }
        Optional<Integer> descriptor = descriptor(file);
        Optional<MethodHandle> fallocate = descriptor.isEmpty() ? Optional.empty() : fallocate();
        if (fallocate.isPresent()) {
            try {
                int _ = (int) fallocate.get().invokeExact((int) descriptor.get(), 0, 0L, size);
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** The number under which this program has the file open; Java keeps it to itself. */
    private static Optional<Integer> descriptor(Path file) {
        try (Stream<Path> open = Files.list(DESCRIPTORS)) {
            Path real = file.toRealPath();
            return open.filter(link -> isLinkTo(real, link))
                    .map(link -> Integer.valueOf(link.getFileName().toString()))
                    .findFirst();
        } catch (IOException _) {
            return Optional.empty(); // no Linux
        }
    }

    private static boolean isLinkTo(Path file, Path link) {
        try {
            return Files.readSymbolicLink(link).equals(file);
        } catch (IOException _) {
            return false; // closed by now
        }
    }

    @SuppressWarnings("restricted") // only where it is enabled
    private static Optional<MethodHandle> fallocate() {
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup()
                .find("fallocate")
                .map(address -> linker.downcallHandle(
                        address, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG)));
    }
}
