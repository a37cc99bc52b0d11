package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "forget",
        description = {
            "Takes a folder out of the catalog. Nothing on the disk is touched.",
            "",
            "Examples:",
            "  atelier models forget /mnt/archive",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ModelsForgetCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FOLDER", description = "A folder that has been scanned.")
    private Path folder = Path.of("");

    @Mixin
    private CatalogOptions options = new CatalogOptions();

    @Override
    public Integer call() {
        try (Catalog catalog = options.open()) {
            catalog.forget(folder);
        }
        return 0;
    }
}
