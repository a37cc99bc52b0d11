package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Model;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "show",
        description = {
            "Says all about one model. Its hashes are computed if they are not known yet.",
            "",
            "Examples:",
            "  atelier models show dreamlike",
            "  atelier models show \"style/ink.safetensors [6ce0161689]\"",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ModelsShowCommand implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "A name, a part of it that only one model has, a title or a hash.")
    private String name = "";

    @Mixin
    private CatalogOptions options = new CatalogOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        try (Catalog catalog = options.open();
                Bar bar = Bar.bytes("Hashing")) {
            Model model = catalog.named(name);
            Model hashed = model.autoV1().isPresent() ? catalog.hashed(model, bar.progress()) : model;
            if (options.json()) {
                JsonOutput.print(out, json -> ModelJson.write(json, hashed));
            } else {
                print(out, hashed);
            }
        }
        return 0;
    }

    private static void print(PrintWriter out, Model model) {
        out.println(Visible.text(model.name()));
        row(out, "Path", model.path().toString());
        row(out, "Model", model.label());
        row(out, "Kind", model.kind().toString());
        row(out, "Parts", model.components());
        row(out, "Types", model.dtypes());
        row(out, "Tensors", Integer.toString(model.tensors()));
        row(out, "Size", String.format(Locale.ROOT, "%s (%,d bytes)", Sizes.of(model.size()), model.size()));
        row(out, "Modified", model.modified().toString());
        model.problem().ifPresent(problem -> row(out, "Problem", problem));
        model.sha256().ifPresent(hash -> row(out, "sha256", hash));
        model.autoV1().ifPresent(hash -> row(out, "AutoV1", hash));
        model.shortHash().ifPresent(hash -> row(out, "AutoV2", hash));
        model.autoV3().ifPresent(hash -> row(out, "AutoV3", hash));
        out.flush();
    }

    private static void row(PrintWriter out, String label, String value) {
        out.printf("  %-9s %s%n", label, Visible.text(value));
    }
}
