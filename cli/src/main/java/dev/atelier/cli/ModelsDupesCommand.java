package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Duplicates;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "dupes",
        description = {
            "Lists files with the same weights, the greatest waste of room first.",
            "",
            "Files are the same, or differ only in their metadata. Only those that could be duplicates are read.",
            "",
            "Examples:",
            "  atelier models dupes",
            "  atelier models dupes --json",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ModelsDupesCommand implements Callable<Integer> {
    @Mixin
    private CatalogOptions options = new CatalogOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        List<Duplicates> found;
        try (Catalog catalog = options.open();
                Bar bar = Bar.bytes("Hashing")) {
            found = catalog.duplicates(bar.progress());
        }
        if (options.json()) {
            JsonOutput.print(out, json -> writeJson(json, found));
        } else {
            print(out, found);
        }
        return 0;
    }

    private static void print(PrintWriter out, List<Duplicates> found) {
        for (Duplicates same : found) {
            out.printf(
                    "%s, %s to gain%n",
                    same.identical() ? "The same file" : "The same weights, other metadata", Sizes.of(same.bytes()));
            same.models()
                    .forEach(model ->
                            out.printf("  %s%n", Visible.text(model.path().toString())));
        }
        long bytes = found.stream().mapToLong(Duplicates::bytes).sum();
        out.printf("Duplicates: %d, %s to gain%n", found.size(), Sizes.of(bytes));
        out.flush();
    }

    private static void writeJson(JsonGenerator json, List<Duplicates> found) {
        json.writeStartArray();
        for (Duplicates same : found) {
            json.writeStartObject();
            json.writeBooleanProperty("identical", same.identical());
            json.writeNumberProperty("bytes", same.bytes());
            json.writeArrayPropertyStart("models");
            same.models().forEach(model -> ModelJson.write(json, model));
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
