package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "find",
        description = {
            "Lists the models in whose name or metadata all words are found, or that have a hash.",
            "",
            "Examples:",
            "  atelier models find anime xl",
            "  atelier models find 6ce0161689",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ModelsFindCommand implements Callable<Integer> {
    @Parameters(arity = "1..*", paramLabel = "WORD", description = "Words, parts of words, or a hash.")
    private List<String> words = List.of();

    @Mixin
    private ModelSelection selection = new ModelSelection();

    @Mixin
    private CatalogOptions options = new CatalogOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        try (Catalog catalog = options.open()) {
            selection.print(
                    catalog,
                    String.join(" ", words),
                    options.json(),
                    spec.commandLine().getOut());
        }
        return 0;
    }
}
