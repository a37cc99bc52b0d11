package dev.atelier.server.http;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** A body that is broken off where it comes by the letter. */
final class SteadyStream extends FilterInputStream {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);
    private static final long MAX_NANOS_A_BYTE = TimeUnit.MILLISECONDS.toNanos(10);

    private final LongSupplier nanos;
    private final long start;
    private long received;

    SteadyStream(InputStream in, LongSupplier nanos) {
        super(in);
        this.nanos = nanos;
        this.start = nanos.getAsLong();
    }

    /**
     * @throws HttpError 408 if half a minute has passed in which fewer than 100 bytes a second came, 400 if the connection
     *     breaks
     */
    @Override
    public int read(byte[] buffer, int offset, int length) {
        int read;
        try {
            read = super.read(buffer, offset, length);
        } catch (IOException _) {
            throw new HttpError(400, "the body broke off");
        }
        received += Math.max(0, read);
        long passed = nanos.getAsLong() - start;
        if (read >= 0 && passed > PATIENCE && received < passed / MAX_NANOS_A_BYTE) {
            throw new HttpError(408, "the body comes too slowly");
        }
        return read;
    }
}
