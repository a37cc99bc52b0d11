package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.util.HexFormat;

/** The SHA-256 of a file whose parts come from several threads: each waits for its turn, in the order of the file. */
final class RunningHash {
    private final MessageDigest digest = FileHash.newSha256();
    private long position;
    private boolean abandoned;

    /** @param header the first bytes of the file */
    RunningHash(byte[] header) {
        digest.update(header);
        position = header.length;
    }

    /** Takes the bytes from {@code from} on; what of them the header has already given is left out. */
    synchronized void update(long from, MemorySegment bytes) throws InterruptedException {
        while (position < from && !abandoned) {
            wait();
        }
        if (!abandoned) {
            digest.update(bytes.asSlice(position - from).asByteBuffer());
            position = from + bytes.byteSize();
            notifyAll();
        }
    }

    /** A part will not come: nobody waits for it any more. */
    synchronized void abandon() {
        abandoned = true;
        notifyAll();
    }

    /** 64 lower-case hex digits; once, when all parts have been taken. */
    synchronized String hex() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
