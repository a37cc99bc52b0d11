package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Duplicates;
import dev.atelier.catalog.Model;
import dev.atelier.catalog.ModelKind;
import dev.atelier.catalog.ModelPage;
import dev.atelier.catalog.ModelQuery;
import dev.atelier.catalog.ScanReport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "models",
        description = {
            "Keeps track of the models on your disks: which there are, what each of them is, and where.",
            "",
            "A scan looks at each file once and then only at what has changed. Files that were moved keep their hashes.",
            "",
            "Examples:",
            "  atelier models scan ~/models /mnt/archive",
            "  atelier models list --kind lora --sort size",
            "  atelier models find anime xl",
            "  atelier models show 6ce0161689",
            "  atelier models dupes",
            "",
        },
        subcommands = {
            ModelsCommand.Scan.class,
            ModelsCommand.ListAll.class,
            ModelsCommand.Find.class,
            ModelsCommand.Show.class,
            ModelsCommand.Dupes.class,
            ModelsCommand.Forget.class,
        },
        synopsisSubcommandLabel = "COMMAND",
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ModelsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return Main.BAD_INPUT;
    }

    /** What all subcommands have. */
    static final class CatalogOptions {
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
    }

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
    static final class Scan implements Callable<Integer> {
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
            if (options.json) {
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

    /** The options of list and find. */
    static final class Selection {
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
                    forEachPage(catalog, all, models -> models.forEach(model -> write(generator, model)));
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
                        model.shortHash().orElse("-"),
                        Sizes.of(model.size()),
                        model.kind(),
                        Visible.text(model.name()));
                String about =
                        model.problem().orElse(model.label() + (model.dtypes().isEmpty() ? "" : ", " + model.dtypes()));
                out.printf("%-10s  %9s  %-11s    %s%n", "", "", "", Visible.text(about));
            }
            out.flush();
        }
    }

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
    static final class ListAll implements Callable<Integer> {
        @Mixin
        private Selection selection = new Selection();

        @Mixin
        private CatalogOptions options = new CatalogOptions();

        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Override
        public Integer call() {
            try (Catalog catalog = options.open()) {
                selection.print(catalog, "", options.json, spec.commandLine().getOut());
            }
            return 0;
        }
    }

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
    static final class Find implements Callable<Integer> {
        @Parameters(arity = "1..*", paramLabel = "WORD", description = "Words, parts of words, or a hash.")
        private List<String> words = List.of();

        @Mixin
        private Selection selection = new Selection();

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
                        options.json,
                        spec.commandLine().getOut());
            }
            return 0;
        }
    }

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
    static final class Show implements Callable<Integer> {
        @Parameters(
                paramLabel = "NAME",
                description = "A name, a part of it that only one model has, a title or a hash.")
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
                if (options.json) {
                    JsonOutput.print(out, json -> write(json, hashed));
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
    static final class Dupes implements Callable<Integer> {
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
            if (options.json) {
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
                        same.identical() ? "The same file" : "The same weights, other metadata",
                        Sizes.of(same.bytes()));
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
                same.models().forEach(model -> write(json, model));
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndArray();
        }
    }

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
    static final class Forget implements Callable<Integer> {
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

    private static void write(JsonGenerator json, Model model) {
        json.writeStartObject();
        json.writeStringProperty("name", model.name());
        json.writeStringProperty("title", model.title());
        json.writeStringProperty("path", model.path().toString());
        json.writeStringProperty("kind", model.kind().toString());
        json.writeStringProperty("architecture", model.architecture().name().toLowerCase(Locale.ROOT));
        json.writeStringProperty("model", model.label());
        json.writeStringProperty("types", model.dtypes());
        json.writeStringProperty("parts", model.components());
        json.writeNumberProperty("tensors", model.tensors());
        json.writeNumberProperty("bytes", model.size());
        json.writeStringProperty("modified", model.modified().toString());
        json.writeName("problem").writeString(model.problem().orElse(null));
        json.writeName("sha256").writeString(model.sha256().orElse(null));
        json.writeName("autov1").writeString(model.autoV1().orElse(null));
        json.writeName("autov3").writeString(model.autoV3().orElse(null));
        json.writeEndObject();
    }
}
