package dev.atelier.server.link;

import dev.atelier.server.db.Settings;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import tools.jackson.databind.node.StringNode;

/** Signs what may be looked at, and until when. All servers of one database share a secret, so that links outlive them. */
public final class Links {
    static final String PREFIX = "/files/";

    private static final String ALGORITHM = "HmacSHA256";
    private static final int SECRET_BYTES = 32;

    private final SecretKeySpec secret;

    public Links(Settings settings) {
        byte[] fresh = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(fresh);
        String kept = settings.getOrSet(
                        "link-secret", new StringNode(HexFormat.of().formatHex(fresh)))
                .stringValue();
        this.secret = new SecretKeySpec(HexFormat.of().parseHex(kept), ALGORITHM);
    }

    /**
     * A path below the server's address, which ends with the file's own name.
     *
     * @param key of the store; where {@code .jpeg} comes behind the name of a PNG file, the picture is served as JPEG
     */
    public String path(String key, Instant expires) {
        return "%s%d/%s/%s".formatted(PREFIX, expires.getEpochSecond(), signature(key, expires.getEpochSecond()), key);
    }

    /** Whether this server has signed exactly this, and the time is not over. */
    boolean isValid(String key, long expires, String signature, Instant now) {
        return MessageDigest.isEqual(
                        signature(key, expires).getBytes(StandardCharsets.UTF_8),
                        signature.getBytes(StandardCharsets.UTF_8))
                && now.getEpochSecond() < expires;
    }

    private String signature(String key, long expires) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(secret);
            mac.update((expires + "\n" + key).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(mac.doFinal());
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every JDK has " + ALGORITHM, e);
        }
    }
}
