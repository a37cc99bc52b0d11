package dev.atelier.server.http;

/** A failure that has a status, and is not the server's. The message says what the caller is to change. */
public class HttpError extends RuntimeException {
    private final int status;

    public HttpError(int status, String message) {
        super(message);
        this.status = status;
    }

    /** With the message of {@code cause}. */
    public static HttpError of(int status, Exception cause) {
        return new HttpError(
                status, cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage());
    }

    public int status() {
        return status;
    }
}
