package dev.atelier.server.job;

/** Too many jobs wait already; try again later. */
public final class QueueFullException extends RuntimeException {
    QueueFullException(int waiting) {
        super("%d jobs wait already; try again when some are done".formatted(waiting));
    }
}
