package dev.atelier.server.worker;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** Memory that this process has no more use for. glibc keeps what is freed for the next model, as the launcher tells it to. */
final class FreedMemory {
    private FreedMemory() {}

    /** Returns it to the system: mappings of files that nobody reads any more, and glibc's, by {@code malloc_trim}. */
    @SuppressWarnings("restricted")
    static void giveBack() {
        System.gc();
        Optional<MemorySegment> trim = Linker.nativeLinker().defaultLookup().find("malloc_trim");
        if (trim.isEmpty()) {
            return; // another C library
        }
        try {
            int _ = (int) Linker.nativeLinker()
                    .downcallHandle(trim.get(), FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG))
                    .invokeExact(0L);
        } catch (Throwable e) {
            throw new IllegalStateException("malloc_trim failed", e);
        }
    }
}
