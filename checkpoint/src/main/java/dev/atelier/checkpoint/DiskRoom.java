package dev.atelier.checkpoint;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Room on the disk for a file that is about to be written. Where a file has it, several direct writes run at once; those that
 * make a file longer wait for one another. Java has no call for it, Linux has {@code fallocate}.
 */
final class DiskRoom {
    private static final int WRITE_ONLY = 1;

    private DiskRoom() {}

    /** Makes {@code file} that long, if this system and its file system can do that without writing; or else does nothing. */
    static void reserve(Path file, long size) {
        if (!DiskRoom.class.getModule().isNativeAccessEnabled()) {
            return; // and be no reason for a warning
        }
        Optional<MethodHandle> fallocate = function("fallocate", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
        Optional<MethodHandle> open = function("open", ADDRESS, JAVA_INT);
        Optional<MethodHandle> close = function("close", JAVA_INT);
        if (fallocate.isEmpty() || open.isEmpty() || close.isEmpty()) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            int descriptor = (int) open.get().invokeExact(arena.allocateFrom(file.toString()), WRITE_ONLY);
            if (descriptor >= 0) {
                int _ = (int) fallocate.get().invokeExact(descriptor, 0, 0L, size);
                int _ = (int) close.get().invokeExact(descriptor);
            }
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("restricted") // only where it is enabled
    private static Optional<MethodHandle> function(String name, MemoryLayout... arguments) {
        Linker linker = Linker.nativeLinker();
        Optional<MemorySegment> address = linker.defaultLookup().find(name);
        return address.map(found -> linker.downcallHandle(found, FunctionDescriptor.of(JAVA_INT, arguments)));
    }
}
