package dev.atelier.cli;

import dev.atelier.server.Storage;
import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** Where a server keeps its things. */
final class StorageOptions {
    @Option(
            names = "--data",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description = "Jobs, keys and pictures. Default: $XDG_DATA_HOME/atelier or ~/.local/share/atelier.")
    private @Nullable Path data;

    @Option(
            names = "--database-url",
            paramLabel = "URL",
            scope = ScopeType.INHERIT,
            description =
                    "postgresql://USER:PASSWORD@HOST:PORT/NAME, to share jobs and keys with other servers and workers. "
                            + "Default: a SQLite file in the folder of --data.")
    private @Nullable URI database;

    @Option(
            names = "--store",
            paramLabel = "URL",
            scope = ScopeType.INHERIT,
            description = "s3://BUCKET/PREFIX?endpoint=https://HOST, to share pictures with other servers and workers. "
                    + "Default: in the folder of --data.")
    private @Nullable URI store;

    Storage storage() {
        return new Storage(data != null ? data : ServeDefaults.dataFolder(), database, store);
    }
}
