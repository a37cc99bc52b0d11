package dev.atelier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The hashes that checkpoints are known by. */
public final class FileHash {
    private static final int BLOCK = 1 << 20;
    private static final int SHORT_DIGITS = 10;

    private FileHash() {}

    /**
     * The short hash that AUTOMATIC1111 shows as "Model hash" and Civitai as AutoV2: the first ten hex digits of the
     * SHA-256 of the whole file.
     */
    public static String shortHash(Path file, Progress progress) {
        return sha256(file, progress).substring(0, SHORT_DIGITS);
    }

    /** The SHA-256 of the whole file, 64 lower-case hex digits. */
    public static String sha256(Path file, Progress progress) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            MappedFile mapped = MappedFile.open(file);
            progress.update(0, mapped.size());
            for (long done = 0; done < mapped.size(); done += BLOCK) {
                long length = Math.min(BLOCK, mapped.size() - done);
                ByteBuffer block = mapped.bytes().asSlice(done, length).asByteBuffer();
                digest.update(block);
                progress.update(done + length, mapped.size());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
