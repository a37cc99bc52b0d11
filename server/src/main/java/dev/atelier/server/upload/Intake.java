package dev.atelier.server.upload;

import dev.atelier.catalog.ModelKind;
import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.PickleScan;
import dev.atelier.checkpoint.Progress;
import dev.atelier.server.db.Json;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.models.ModelFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The folder where models wait until they are whole and found good. Thread-safe; for one server. */
final class Intake {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
    private static final Pattern NAME =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9 ._()+-]{0,150}\\.(safetensors|ckpt|pth?|bin)");
    private static final Pattern OWNER = Pattern.compile("[A-Za-z0-9_-]{1,64}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Duration PATIENCE = Duration.ofDays(1);
    private static final int MAX_WAITING = 16;
    // so that a full disk does not stop what else writes there
    private static final long SPARE = 1L << 30;

    private final Path models;
    private final Path waiting;
    private final long maxBytes;
    private final Runnable changed;

    /**
     * @param models the folder of models
     * @param maxBytes of a file
     * @param changed called when there is a new model
     */
    Intake(Path models, long maxBytes, Runnable changed) {
        this.models = models;
        this.waiting = models.resolve(".incoming");
        this.maxBytes = maxBytes;
        this.changed = changed;
    }

    long maxBytes() {
        return maxBytes;
    }

    /** @throws HttpError if it cannot be taken, before a byte of it is sent */
    Incoming begin(String owner, String name, long length, @Nullable String sha256, boolean isPrivate)
            throws IOException {
        if (!NAME.matcher(name).matches()) {
            throw new HttpError(
                    422,
                    "the name of a model is one of the letters A to Z, digits and \" ._()+-\", and ends with .safetensors, .ckpt,"
                            + " .pt, .pth or .bin");
        }
        if (sha256 != null && !SHA256.matcher(sha256).matches()) {
            throw new HttpError(422, "sha256 is 64 hex digits in lower case");
        }
        if (length == 0) {
            throw new HttpError(422, "a file without a byte is no model");
        }
        if (length > maxBytes) {
            throw new HttpError(413, "%d bytes are more than the %d that a model may have".formatted(length, maxBytes));
        }
        if (isPrivate && !OWNER.matcher(owner).matches()) {
            throw new HttpError(422, "private models belong to a key");
        }
        Files.createDirectories(waiting);
        forgetAbandoned();
        if (all().stream().filter(other -> other.owner().equals(owner)).count() >= MAX_WAITING) {
            throw new HttpError(429, "%d uploads are open already; finish or delete one".formatted(MAX_WAITING));
        }
        if (Files.getFileStore(waiting).getUsableSpace() - Math.max(length, 0) < SPARE) {
            throw new HttpError(507, "the server's disk has no room for it");
        }
        byte[] random = new byte[16];
        RANDOM.nextBytes(random);
        Incoming incoming =
                new Incoming(HexFormat.of().formatHex(random), owner, name, length, sha256, isPrivate, Instant.now());
        if (Files.exists(target(incoming))) {
            throw new HttpError(409, "there is a model %s already".formatted(name));
        }
        Files.createFile(part(incoming));
        Files.write(note(incoming.id()), Json.MAPPER.writeValueAsBytes(incoming));
        return incoming;
    }

    Optional<Incoming> find(String id) throws IOException {
        if (!ID.matcher(id).matches() || !Files.exists(note(id))) {
            return Optional.empty();
        }
        return Optional.of(Json.MAPPER.readValue(Files.readAllBytes(note(id)), Incoming.class));
    }

    private List<Incoming> all() throws IOException {
        try (Stream<Path> files = Files.list(waiting)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".json"))
                    .map(name -> name.substring(0, name.length() - ".json".length()))
                    .flatMap(id -> {
                        try {
                            return find(id).stream();
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    })
                    .toList();
        }
    }

    private void forgetAbandoned() throws IOException {
        Instant limit = Instant.now().minus(PATIENCE);
        for (Incoming incoming : all()) {
            if (Files.getLastModifiedTime(part(incoming)).toInstant().isBefore(limit)) {
                forget(incoming);
            }
        }
    }

    Path part(Incoming incoming) {
        return waiting.resolve(incoming.id() + ".part");
    }

    private Path note(String id) {
        return waiting.resolve(id + ".json");
    }

    private Path target(Incoming incoming) {
        return incoming.isPrivate()
                ? models.resolve(ModelFile.PRIVATE).resolve(incoming.owner()).resolve(incoming.name())
                : models.resolve(incoming.name());
    }

    void forget(Incoming incoming) throws IOException {
        Files.deleteIfExists(part(incoming));
        Files.deleteIfExists(note(incoming.id()));
    }

    /**
     * Takes a file that is complete among the models, or throws it away.
     *
     * @return the name of the model
     * @throws HttpError 422 if it is not what it should be, 409 if there is a model of that name
     */
    String accept(Incoming incoming) throws IOException {
        Path part = part(incoming);
        try {
            Checkpoint model = check(incoming, part);
            Path target = target(incoming);
            if (ModelKind.of(Architecture.of(Layout.normalize(model))) == ModelKind.EMBEDDING) {
                target = target.resolveSibling("embeddings").resolve(incoming.name()); // where prompts find them
            }
            Files.createDirectories(target.getParent());
            Files.move(part, target);
            return models.relativize(target).toString().replace('\\', '/');
        } catch (FileAlreadyExistsException _) {
            throw new HttpError(409, "there is a model %s already".formatted(incoming.name()));
        } finally {
            forget(incoming);
            changed.run();
        }
    }

    private static Checkpoint check(Incoming incoming, Path part) {
        if (incoming.sha256() != null) {
            String found = FileHash.sha256(part, Progress.NONE);
            if (!found.equals(incoming.sha256())) {
                throw new HttpError(422, "the file hashes to %s, not to %s".formatted(found, incoming.sha256()));
            }
        }
        try {
            if (PickleScan.concerns(part) && !PickleScan.of(part).isClean()) {
                throw new HttpError(422, "the file would import what no model needs; \"atelier scan\" says what");
            }
            return Checkpoints.open(part);
        } catch (InvalidCheckpointException e) {
            throw new HttpError(422, "the file is no model: " + e.problem());
        }
    }
}
