package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of files and mapped memory. */
public final class FileHash {
    private static final int BLOCK = 1 << 20;

    private FileHash() {}

    /** The SHA-256 of the whole file, 64 lower-case hex digits. */
    public static String sha256(Path file, Progress progress) {
        return sha256(MappedFile.open(file).bytes(), progress);
    }

    static String sha256(MemorySegment bytes, Progress progress) {
        MessageDigest digest = newSha256();
        progress.update(0, bytes.byteSize());
        for (long done = 0; done < bytes.byteSize(); done += BLOCK) {
            long length = Math.min(BLOCK, bytes.byteSize() - done);
            digest.update(bytes.asSlice(done, length).asByteBuffer());
            progress.update(done + length, bytes.byteSize());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
