package dev.atelier.server.upload;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A model on its way in.
 *
 * @param id 32 hex digits
 * @param name of the file that it will be
 * @param length in bytes; −1 while it is unknown
 * @param sha256 what it must hash to, 64 hex digits; null for anything
 * @param isPrivate whether only its owner will see it
 */
record Incoming(
        String id,
        String owner,
        String name,
        long length,
        @Nullable String sha256,
        boolean isPrivate,
        Instant createdAt) {}
