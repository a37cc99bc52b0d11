package dev.atelier.server.key;

/** A key has drawn as many pictures as it may for now. */
public final class LimitReachedException extends RuntimeException {
    private final int retryAfter;

    LimitReachedException(String message, int retryAfter) {
        super(message);
        this.retryAfter = retryAfter;
    }

    /** In how many seconds it may try again. */
    public int retryAfter() {
        return retryAfter;
    }
}
