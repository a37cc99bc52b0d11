package dev.atelier.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SteadyStreamTest {
    private final AtomicLong seconds = new AtomicLong();

    /** One whose every piece of 16 bytes takes a while. */
    private SteadyStream stream(int bytes, int secondsEach) {
        return new SteadyStream(
                new ByteArrayInputStream(new byte[bytes]) {
                    @Override
                    public synchronized int read(byte[] buffer, int offset, int length) {
                        seconds.addAndGet(secondsEach);
                        return super.read(buffer, offset, Math.min(16, length));
                    }
                },
                () -> TimeUnit.SECONDS.toNanos(seconds.get()));
    }

    @Test
    void whoSendsABodyByTheLetterIsSentAway() {
        assertThatExceptionOfType(HttpError.class)
                .isThrownBy(() -> stream(1 << 20, 5).readNBytes(1 << 20))
                .satisfies(error -> assertThat(error.status()).isEqualTo(408));
        assertThat(seconds.get()).isEqualTo(35);
    }

    @Test
    void whoOnlyPausesIsNot() throws IOException {
        assertThat(stream(64, 5).readNBytes(1000)).hasSize(64);
    }
}
