package dev.atelier.server;

import dev.atelier.server.db.Database;
import dev.atelier.server.store.FileStore;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.server.store.RecentStore;
import dev.atelier.server.store.S3Store;
import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where servers and workers that belong together keep what they share.
 *
 * @param data a folder of this machine, for the database and the results where nothing else is said
 * @param database {@code postgresql://…}, see {@link Database#postgresql}; null for a SQLite file in {@code data}
 * @param store {@code s3://…}, see {@link S3Store#open}; null for a folder in {@code data}
 */
public record Storage(
        Path data, @Nullable URI database, @Nullable URI store) {
    private static final long RECENT_BYTES = 16 << 20;

    /** All of it in one folder. */
    public static Storage in(Path data) {
        return new Storage(data, null, null);
    }

    /** The database, to be closed by the caller. */
    public Database openDatabase() {
        return database == null ? Database.sqlite(data.resolve("atelier.db")) : Database.postgresql(database);
    }

    /** The results, to be closed by the caller. */
    public ObjectStore openStore() {
        return new RecentStore(
                store == null ? new FileStore(data.resolve("files")) : S3Store.open(store), RECENT_BYTES);
    }
}
