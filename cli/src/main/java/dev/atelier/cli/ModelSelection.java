package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Model;
import dev.atelier.catalog.ModelKind;
import dev.atelier.catalog.ModelPage;
import dev.atelier.catalog.ModelQuery;
import java.io.PrintWriter;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which models to list, and in what order. */
final class ModelSelection {
    @Option(names = "--kind", paramLabel = "KIND", description = "Only ${COMPLETION-CANDIDATES}.")
    private @Nullable ModelKind kind;

    @Option(
            names = "--family",
            paramLabel = "NAME",
            description = "Only architectures that begin so: sd1, sd2, sdxl, …")
    private @Nullable String family;

    @Option(names = "--broken", description = "Only files that cannot be used, and why.")
    private boolean broken;

    @Option(
            names = "--sort",
            paramLabel = "ORDER",
            defaultValue = "name",
            description = "${COMPLETION-CANDIDATES}: the largest or latest first. Default: ${DEFAULT-VALUE}.")
    private ModelQuery.Sort sort = ModelQuery.Sort.NAME;

    void print(Catalog catalog, String text, boolean json, PrintWriter out) {
        ModelQuery query = ModelQuery.ALL.matching(text).sortedBy(sort).limitedTo(1000);
        query = kind == null ? query : query.ofKind(kind);
        query = family == null ? query : query.ofFamily(family);
        query = broken ? query.onlyBroken(true) : query;
        ModelQuery all = query;
        if (json) {
            JsonOutput.print(out, generator -> {
                generator.writeStartArray();
                forEachPage(catalog, all, models -> models.forEach(model -> ModelJson.write(generator, model)));
                generator.writeEndArray();
            });
        } else if (catalog.list(all).models().isEmpty()) {
            out.println(catalog.folders().isEmpty() ? "Nothing yet: 'atelier models scan FOLDER' first." : "None.");
        } else {
            forEachPage(catalog, all, models -> printRows(out, models));
        }
    }

    private static void forEachPage(Catalog catalog, ModelQuery query, Consumer<List<Model>> action) {
        ModelPage page = catalog.list(query);
        action.accept(page.models());
        while (page.next().isPresent()) {
            page = catalog.list(query.after(page.next().get()));
            action.accept(page.models());
        }
    }

    private static void printRows(PrintWriter out, List<Model> models) {
        for (Model model : models) {
            out.printf(
                    "%-10s  %9s  %-11s  %s%n",
                    model.shortHash().orElse("-"), Sizes.of(model.size()), model.kind(), Visible.text(model.name()));
            String about =
                    model.problem().orElse(model.label() + (model.dtypes().isEmpty() ? "" : ", " + model.dtypes()));
            out.printf("%-10s  %9s  %-11s    %s%n", "", "", "", Visible.text(about));
        }
        out.flush();
    }
}
