package dev.atelier.merge;

/**
 * Room on the heap for something large. The serial collector lets the heap grow rather than look for garbage among what has
 * lived a while, and whole tensors live a while: without this, what one has left behind would stay until the heap is full.
 */
public final class Room {
    private static final long LARGE = 8 << 20;

    private Room() {}

    /** Before {@code bytes} are allocated. */
    public static void make(long bytes) {
        if (bytes >= LARGE && Runtime.getRuntime().freeMemory() < bytes) {
            System.gc();
        }
    }
}
