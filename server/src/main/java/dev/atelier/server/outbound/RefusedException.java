package dev.atelier.server.outbound;

import java.io.IOException;

/** An address that the server will not call. The message says why. */
public final class RefusedException extends IOException {
    RefusedException(String message) {
        super(message);
    }
}
