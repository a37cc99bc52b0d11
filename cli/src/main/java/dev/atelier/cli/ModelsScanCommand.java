package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.ScanReport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "scan",
        description = {
            "Brings the catalog up to date with folders and all below them.",
            "",
            "Examples:",
            "  atelier models scan ~/models",
            "  atelier models scan             (all folders scanned before)",
            "  atelier models scan ~/models --hash",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ModelsScanCommand implements Callable<Integer> {
    @Parameters(arity = "0..*", paramLabel = "FOLDER", description = "Default: all folders scanned before.")
    private List<Path> folders = List.of();

    @Option(names = "--hash", description = "Hash the files, too: each is read as a whole, once.")
    private boolean hash;

    @Mixin
    private CatalogOptions options = new CatalogOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        try (Catalog catalog = options.open()) {
            List<Path> scanned = folders.isEmpty() ? catalog.folders() : folders;
            if (scanned.isEmpty()) {
                throw new IllegalArgumentException("no folder has been scanned yet; name one");
            }
            for (Path folder : scanned) {
                try (Bar bar = Bar.of("Scanning", " files")) {
                    print(out, folder, catalog.scan(folder, bar.progress()));
                }
            }
            if (hash) {
                try (Bar bar = Bar.bytes("Hashing")) {
                    catalog.hash(bar.progress());
                }
            }
        }
        return 0;
    }

    private void print(PrintWriter out, Path folder, ScanReport report) {
        if (options.json()) {
            JsonOutput.print(out, json -> {
                json.writeStartObject();
                json.writeStringProperty("folder", folder.toString());
                json.writeNumberProperty("added", report.added());
                json.writeNumberProperty("changed", report.changed());
                json.writeNumberProperty("moved", report.moved());
                json.writeNumberProperty("removed", report.removed());
                json.writeNumberProperty("unchanged", report.unchanged());
                json.writeNumberProperty("broken", report.broken());
                json.writeEndObject();
            });
            return;
        }
        out.printf(
                "%s: %d models (%d added, %d changed, %d moved, %d removed)%n",
                folder, report.models(), report.added(), report.changed(), report.moved(), report.removed());
        if (report.broken() > 0) {
            out.printf("  %d of them cannot be used; 'atelier models list --broken' says why%n", report.broken());
        }
        report.unreadable().forEach(path -> out.printf("  %s could not be read%n", path));
        out.flush();
    }
}
