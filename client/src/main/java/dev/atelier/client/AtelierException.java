package dev.atelier.client;

/** The server refused or failed. The message is the server's, and says what to change. */
public final class AtelierException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;

    AtelierException(int status, String message) {
        super(message);
        this.status = status;
    }

    /** The status of HTTP; 0 for a job that did not succeed. */
    public int status() {
        return status;
    }
}
