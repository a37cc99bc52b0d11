package dev.atelier.server.key;

import org.jspecify.annotations.Nullable;

/**
 * How much a key may draw.
 *
 * @param perMinute pictures in any 60 seconds; null for any number
 * @param perDay pictures in any 24 hours; null for any number
 */
public record Limits(@Nullable Integer perMinute, @Nullable Integer perDay) {
    public static final Limits NONE = new Limits(null, null);

    /** @throws IllegalArgumentException if one is negative */
    public Limits {
        if ((perMinute != null && perMinute < 0) || (perDay != null && perDay < 0)) {
            throw new IllegalArgumentException("a limit of pictures cannot be negative");
        }
    }
}
