package dev.atelier;

import dev.atelier.checkpoint.CacheFolder;
import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.checkpoint.Progress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.UUID;

/** What can be computed again and need not be: a folder of the user's, {@code ~/.cache/atelier} unless told otherwise. */
public record Cache(Path folder) {

    /** The folder that the XDG base directory specification names. */
    public static Cache ofUser() {
        return new Cache(CacheFolder.ofUser());
    }

    /**
     * The SHA-256 of a file. It is computed once: afterwards the same path, length, time of last change and identity (inode)
     * stand for the same content.
     *
     * @throws IOException if the file cannot be read; a cache that cannot be used is done without
     */
    public String sha256(Path file, Progress progress) throws IOException {
        Entry entry = entry(file);
        Optional<String> known = entry.read();
        if (known.isPresent()) {
            return known.get();
        }
        String hash = FileHash.sha256(file, progress);
        if (entry(file).equals(entry)) {
            entry.write(hash);
        }
        return hash;
    }

    /**
     * The same, if it has been computed already.
     *
     * @throws IOException if there is no such file
     */
    public Optional<String> knownSha256(Path file) throws IOException {
        return entry(file).read();
    }

    /** Notes the SHA-256 of a file that has just been written. */
    public void remember(Path file, String sha256) {
        try {
            entry(file).write(sha256);
        } catch (IOException _) {
            // then it is computed when somebody asks for it
        }
    }

    private Entry entry(Path file) throws IOException {
        FileStamp stamp = FileStamp.of(file.toRealPath());
        String identity = "%s\n%d\n%s\n%s\n".formatted(stamp.path(), stamp.size(), stamp.modified(), stamp.identity());
        UUID name = UUID.nameUUIDFromBytes(identity.getBytes(StandardCharsets.UTF_8));
        return new Entry(folder.resolve("sha256").resolve(name.toString()), identity);
    }

    /** A file with what the hash is of, and the hash. */
    private record Entry(Path file, String identity) {
        private static final int DIGITS = 64;

        Optional<String> read() {
            try {
                String stored = Files.readString(file);
                return stored.startsWith(identity) && stored.length() == identity.length() + DIGITS
                        ? Optional.of(stored.substring(identity.length()))
                        : Optional.empty();
            } catch (IOException _) {
                return Optional.empty(); // not there yet
            }
        }

        void write(String hash) {
            try {
                Files.createDirectories(file.getParent());
                Path part = Files.createTempFile(
                        file.getParent(), file.getFileName().toString(), ".part");
                Files.writeString(part, identity + hash);
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException _) {
                // then it is computed again next time
            }
        }
    }
}
