package dev.atelier.server.key;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A line of the ledger.
 *
 * @param job the id of the job; null if it was never queued
 */
public record Charge(String key, @Nullable String job, Order order, State state, Instant createdAt) {
    /** {@code RESERVED → SPENT | RELEASED}: only what succeeds is paid. */
    public enum State {
        RESERVED,
        SPENT,
        RELEASED
    }
}
