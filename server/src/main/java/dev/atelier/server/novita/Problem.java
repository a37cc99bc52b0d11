package dev.atelier.server.novita;

/** What can be wrong, as both versions of the API say it. */
enum Problem {
    INVALID(400, "INVALID_REQUEST_BODY", 1),
    OUT_OF_RANGE(400, "INVALID_REQUEST_BODY", 6),
    UNKNOWN_MODEL(400, "INVALID_REQUEST_BODY", 2),
    UNKNOWN_SAMPLER(400, "INVALID_REQUEST_BODY", 8),
    NOT_SUPPORTED(400, "INVALID_REQUEST_BODY", 10),
    IMAGE_FORMAT(400, "INVALID_IMAGE_FORMAT", 1),
    IMAGE_BYTES(400, "IMAGE_FILE_EXCEEDS_MAX_SIZE", 6),
    IMAGE_PIXELS(400, "IMAGE_EXCEEDS_MAX_RESOLUTION", 6),
    NO_KEY(400, "MISSING_API_KEY", 4),
    UNKNOWN_KEY(403, "INVALID_API_KEY", 4),
    FOREIGN_PAGE(403, "API_NOT_ALLOWED", 10),
    BALANCE(400, "BILLING_BALANCE_NOT_ENOUGH", 7),
    // version 2 has no number for it; 5, host unavailable, is the one after which a client may try again
    LIMIT(429, "RATE_LIMIT_EXCEEDED", 5),
    NO_TASK(404, "TASK_NOT_FOUND", 3),
    NO_ROUTE(404, "API_NOT_FOUND", 10),
    INTERNAL(500, "CREATE_TASK_FAILED", -1);

    private final int status;
    private final String reason;
    private final int code;

    Problem(int status, String reason, int code) {
        this.status = status;
        this.reason = reason;
        this.code = code;
    }

    /** The HTTP status of version 3; version 2 answers 200. */
    int status() {
        return status;
    }

    /** The name in version 3. */
    String reason() {
        return reason;
    }

    /** The number in version 2. */
    int code() {
        return code;
    }
}
