package dev.atelier.server.job;

import java.security.SecureRandom;
import java.time.Instant;

/** Names for jobs that sort by time and cannot be guessed: 48 bits of time and 80 random ones, in Crockford's base 32. */
final class JobId {
    private static final char[] DIGITS = "0123456789abcdefghjkmnpqrstvwxyz".toCharArray();
    private static final SecureRandom RANDOM = new SecureRandom();

    private JobId() {}

    static String next(Instant now) {
        StringBuilder id = new StringBuilder(26);
        for (int shift = 45; shift >= 0; shift -= 5) {
            id.append(DIGITS[(int) (now.toEpochMilli() >>> shift & 31)]);
        }
        byte[] random = new byte[16];
        RANDOM.nextBytes(random);
        for (byte b : random) {
            id.append(DIGITS[b & 31]);
        }
        return id.toString();
    }
}
