package dev.atelier.catalog;

import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.checkpoint.Progress;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The models in the folders of a user. Safe for use by several threads, and its file by several processes. Listing is
 * immediate after a scan; hashes, which take a whole reading of each file, follow when {@link #hash} is called, and are kept
 * as long as path (or identity), size and time of modification of a file stay as they were.
 */
public final class Catalog implements AutoCloseable {
    private final Database database;
    private final ModelTable table;
    private final ModelNames names;
    private final Object scanning = new Object();

    private Catalog(Database database) {
        this.database = database;
        this.table = new ModelTable(database);
        this.names = new ModelNames(table);
    }

    /**
     * Opens the catalog in {@code file}, an empty one if there is none yet.
     *
     * @throws UncheckedIOException if the file cannot be made, or is not a catalog that this version can read
     */
    public static Catalog open(Path file) {
        return new Catalog(Database.open(file));
    }

    /** The user's own catalog, where the XDG base directory specification puts data: {@code ~/.local/share/atelier}. */
    public static Path defaultFile() {
        String data = System.getenv("XDG_DATA_HOME");
        Path folder = data != null && !data.isEmpty()
                ? Path.of(data)
                : Path.of(System.getProperty("user.home"), ".local", "share");
        return folder.resolve("atelier").resolve("catalog.db");
    }

    /** The folders that have been scanned. */
    public List<Path> folders() {
        return database.all("select path from folder order by path", row -> Path.of(row.getString(1)));
    }

    /**
     * Brings the catalog up to date with a folder and all below it. Files that are as they were are not opened.
     *
     * @param progress counts files
     * @throws IllegalArgumentException if there is no such folder
     * @throws UncheckedIOException if the catalog cannot be written
     */
    public ScanReport scan(Path folder, Progress progress) {
        Path root = folder.toAbsolutePath().normalize();
        if (!Files.isDirectory(root)) {
            throw new IllegalArgumentException("%s is not a folder".formatted(folder));
        }
        synchronized (scanning) {
            ScanReport report = new Scan(database, table, root).run(progress);
            database.update("insert or ignore into folder (path) values (?)", root.toString());
            return report;
        }
    }

    /** Forgets a folder and all models below it; nothing on the disk is touched. */
    public void forget(Path folder) {
        Path root = folder.toAbsolutePath().normalize();
        database.transaction(() -> {
            table.below(root).forEach(row -> table.remove(row.id()));
            database.update("delete from folder where path = ?", root.toString());
        });
    }

    /** The models that a query asks for, one page of them. */
    public ModelPage list(ModelQuery query) {
        return table.page(query);
    }

    /** The model of this {@link Model#id}. */
    public Optional<Model> byId(long id) {
        return table.where("id = ?", id).stream().findFirst();
    }

    /** The model at this path, whatever way it is written. */
    public Optional<Model> byPath(Path path) {
        return table.where("path = ?", path.toAbsolutePath().normalize().toString()).stream()
                .findFirst();
    }

    /** The model whose file has this SHA-256, 64 lower-case hex digits; one of them if there are several. */
    public Optional<Model> bySha256(String sha256) {
        return table.where("sha256 = ?", sha256).stream().findFirst();
    }

    /** The SHA-256 of this file, if it has been computed and the file is still what it was then. */
    public Optional<String> sha256(FileStamp file) {
        return table.sha256(file);
    }

    /** How many models there are. */
    public int size() {
        return database.all("select count(*) from model", row -> row.getInt(1)).getFirst();
    }

    /**
     * The model that is meant by a name, with or without folder and extension; a title as AUTOMATIC1111 shows it
     * ("name [short hash]"); a hash (AutoV1, or at least eight digits of a SHA-256); or a part of a name that only one has.
     *
     * @throws NoSuchModelException if there is none, with names that are nearly so, or several, with theirs
     */
    public Model named(String name) {
        return names.named(name);
    }

    /**
     * As {@link #named}, for callers that know what to do without.
     *
     * @throws NoSuchModelException if there are several, with their names
     */
    public Optional<Model> find(String name) {
        return names.find(name);
    }

    /** The names of all models that can be used, without folder and extension. */
    public List<String> names() {
        return table.stems();
    }

    /**
     * Computes the hashes of all files that have none yet. Files that vanish or change meanwhile are left for the next time.
     *
     * @param progress counts bytes; may cancel, and what has been computed is kept
     */
    public void hash(Progress progress) {
        hash(table.where("sha256 is null and auto_v1 is not null"), progress);
    }

    /** The model with its hashes, computed now if they were not known. */
    public Model hashed(Model model, Progress progress) {
        if (model.sha256().isEmpty()) {
            hash(List.of(model), progress);
        }
        return byId(model.id()).orElse(model);
    }

    private void hash(List<Model> models, Progress progress) {
        long total = models.stream().mapToLong(Model::size).sum();
        long done = 0;
        for (Model model : models) {
            long before = done;
            try {
                FileStamp stamp = FileStamp.of(model.path());
                FileHashes hashes = FileHashes.of(
                        model.path(), (read, size) -> progress.update(Math.min(total, before + read), total));
                table.putHashes(stamp, hashes);
            } catch (UncheckedIOException _) {
                // gone, or being written to: the next scan will see what has become of it
            }
            done += model.size();
        }
        progress.update(total, total);
    }

    /**
     * Files with the same weights, the greatest waste first. Only files that could be duplicates, because their tensors take
     * equally many bytes, are hashed.
     */
    public List<Duplicates> duplicates(Progress progress) {
        hash(
                table.where("sha256 is null and auto_v1 is not null and weights in"
                        + " (select weights from model where weights > 0 group by weights having count(*) > 1)"),
                progress);
        Map<String, List<Model>> byWeights = new LinkedHashMap<>();
        table.where("sha256 is not null and weights > 0")
                .forEach(model -> byWeights
                        .computeIfAbsent(model.dataSha256().or(model::sha256).orElseThrow(), _ -> new ArrayList<>())
                        .add(model));
        return byWeights.values().stream()
                .filter(models -> models.size() > 1)
                .map(this::duplicates)
                .sorted((a, b) -> Long.compare(b.bytes(), a.bytes()))
                .toList();
    }

    private Duplicates duplicates(List<Model> models) {
        boolean identical = models.stream().map(Model::sha256).distinct().count() == 1;
        HashSet<Object> counted = new HashSet<>();
        long bytes = 0;
        long largest = 0;
        for (Model model : models) {
            if (counted.add(identity(model))) {
                bytes += model.size();
                largest = Math.max(largest, model.size());
            }
        }
        return new Duplicates(models, identical, bytes - largest);
    }

    private static Object identity(Model model) {
        try {
            return Optional.ofNullable(FileStamp.of(model.path()).identity()).orElse(model.path());
        } catch (UncheckedIOException _) {
            return model.path();
        }
    }

    /**
     * Scans all known folders now and then, and tells when something was found that is new. Folders are looked through
     * rather than watched, because notifications do not come from network drives.
     *
     * @param interval from the end of one scan to the start of the next
     * @param listener called in the thread of the scan
     * @return to be closed when nobody listens any more
     */
    public Watch watch(Duration interval, Consumer<ScanReport> listener) {
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("catalog").factory());
        var _ = timer.scheduleWithFixedDelay(
                () -> folders().forEach(folder -> rescan(folder).ifPresent(listener)),
                interval.toMillis(),
                interval.toMillis(),
                TimeUnit.MILLISECONDS);
        return timer::shutdownNow;
    }

    /** Scans until it is closed. */
    @FunctionalInterface
    public interface Watch extends AutoCloseable {
        @Override
        void close();
    }

    private Optional<ScanReport> rescan(Path folder) {
        try {
            return Optional.of(scan(folder, Progress.NONE)).filter(ScanReport::changedAnything);
        } catch (UncheckedIOException | IllegalArgumentException _) {
            return Optional.empty(); // a drive that is not there now may be there next time
        }
    }

    @Override
    public void close() {
        database.close();
    }
}
