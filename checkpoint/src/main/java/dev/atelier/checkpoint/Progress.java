package dev.atelier.checkpoint;

/** Hears how far a long operation is. May throw {@link java.util.concurrent.CancellationException} to stop it. */
@FunctionalInterface
public interface Progress {
    /** For callers that do not listen. */
    Progress NONE = (done, total) -> {};

    /** Called now and then, from one thread at a time; {@code done} never falls and ends at {@code total} (bytes). */
    void update(long done, long total);
}
