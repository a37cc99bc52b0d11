package dev.atelier.server.key;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A key without its secret.
 *
 * @param id what the key begins with, after {@code atl_}; 12 hex digits
 * @param name whose it is, for people
 * @param balance what is left, in {@linkplain Price 10⁻¹⁰ USD}, less what is reserved; null for no limit
 */
public record ApiKey(
        String id,
        String name,
        @Nullable Long balance,
        Limits limits,
        Instant createdAt,
        @Nullable Instant revokedAt) {}
