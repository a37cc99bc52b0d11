package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "list",
        description = {
            "Lists the models that the last scans have found.",
            "",
            "Examples:",
            "  atelier models list",
            "  atelier models list --family sdxl --sort modified",
            "  atelier models list --broken",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ModelsListCommand implements Callable<Integer> {
    @Mixin
    private ModelSelection selection = new ModelSelection();

    @Mixin
    private CatalogOptions options = new CatalogOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        try (Catalog catalog = options.open()) {
            selection.print(catalog, "", options.json(), spec.commandLine().getOut());
        }
        return 0;
    }
}
