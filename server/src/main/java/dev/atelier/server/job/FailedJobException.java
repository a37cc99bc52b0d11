package dev.atelier.server.job;

/** A job that somebody waited for has failed; its worker has logged why. */
public final class FailedJobException extends RuntimeException {
    public FailedJobException(String message) {
        super(message);
    }
}
