package dev.atelier.server.store;

import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.regex.Pattern;

/** Results by key. Thread-safe. */
public interface ObjectStore extends AutoCloseable {
    /** Names of letters, digits, dashes, underscores and inner dots, separated by slashes. */
    Pattern KEY = Pattern.compile("[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*(?:/[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*)*");

    /** @param size in bytes; {@code content} is up to the caller to close */
    record Stored(long size, InputStream content) {}

    /**
     * Keeps {@code content}, and replaces what had the key before. Readers see the old or the new, never a part.
     *
     * @throws IllegalArgumentException if the key is none
     */
    void put(String key, byte[] content) throws IOException;

    /** @return empty if there is nothing of that key, or if it can be no key */
    Optional<Stored> open(String key) throws IOException;

    /** Forgets it; nothing happens if it is not there. */
    void delete(String key) throws IOException;

    @Override
    void close();

    /** All of it. */
    default Optional<byte[]> read(String key) throws IOException {
        Optional<Stored> stored = open(key);
        if (stored.isEmpty()) {
            return Optional.empty();
        }
        try (InputStream in = stored.get().content()) {
            return Optional.of(in.readAllBytes());
        }
    }

    static void requireKey(String key) {
        if (!KEY.matcher(key).matches()) {
            throw new IllegalArgumentException("\"%s\" cannot be the key of a file".formatted(key));
        }
    }
}
