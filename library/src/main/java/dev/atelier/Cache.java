package dev.atelier;

import dev.atelier.checkpoint.CacheFolder;
import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.Progress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/** What can be computed again and need not be: a folder of the user's, {@code ~/.cache/atelier} unless told otherwise. */
public record Cache(Path folder) {

    /** The folder that the XDG base directory specification names. */
    public static Cache ofUser() {
        return new Cache(CacheFolder.ofUser());
    }

    /**
     * The SHA-256 of a file. It is computed once: afterwards the same path, length and time of last change stand for the
     * same content, as they do in AUTOMATIC1111.
     *
     * @throws IOException if the file cannot be read; a cache that cannot be used is done without
     */
    public String sha256(Path file, Progress progress) throws IOException {
        String identity =
                "%s\n%d\n%s\n".formatted(file.toRealPath(), Files.size(file), Files.getLastModifiedTime(file));
        UUID name = UUID.nameUUIDFromBytes(identity.getBytes(StandardCharsets.UTF_8));
        Path entry = folder.resolve("sha256").resolve(name.toString());
        try {
            String stored = Files.readString(entry);
            if (stored.startsWith(identity) && stored.length() == identity.length() + 64) {
                return stored.substring(identity.length());
            }
        } catch (IOException _) {
            // not there yet
        }
        String hash = FileHash.sha256(file, progress);
        try {
            Files.createDirectories(entry.getParent());
            Path part = Files.createTempFile(entry.getParent(), name.toString(), ".part");
            Files.writeString(part, identity + hash);
            Files.move(part, entry, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException _) {
            // then it is computed again next time
        }
        return hash;
    }
}
