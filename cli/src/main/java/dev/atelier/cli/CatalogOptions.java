package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What all commands on the catalog have. */
final class CatalogOptions {
    @Option(
            names = "--catalog",
            paramLabel = "FILE",
            description = "Where the catalog is kept. Default: catalog.db in ~/.local/share/atelier.")
    private @Nullable Path file;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    Catalog open() {
        return Catalog.open(file == null ? Catalog.defaultFile() : file);
    }

    boolean json() {
        return json;
    }
}
