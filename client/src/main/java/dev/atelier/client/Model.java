package dev.atelier.client;

import org.jspecify.annotations.Nullable;

/**
 * A model of the server.
 *
 * @param name what requests call it
 * @param label what kind of model it is, in words
 * @param size in bytes
 * @param sha256 64 hex digits; null while the server has not computed it
 */
public record Model(
        String name,
        String kind,
        String architecture,
        String label,
        long size,
        @Nullable String sha256) {}
