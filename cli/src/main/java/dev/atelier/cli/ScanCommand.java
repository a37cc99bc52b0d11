package dev.atelier.cli;

import dev.atelier.checkpoint.PickleScan;
import dev.atelier.checkpoint.ScanReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "scan",
        description = {
            "Lists every name that the pickles in a file would make Python import, without running anything.",
            "",
            "  ok        the names that checkpoints use, and nothing else",
            "  REFUSED   a name that could run a program, a way to hide one, or a file that",
            "            is no sound checkpoint",
            "",
            "Names are held against a list of what checkpoints need, for no list of what is dangerous can be complete. Folders are "
                    + "searched for files that start as a pickle or an archive does, whatever they are called.",
            "",
            "Examples:",
            "  atelier scan downloaded.ckpt",
            "  atelier scan models/ --json",
            "",
        },
        sortOptions = false,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {" 0:nothing was refused", " 2:a file could not be read", " 3:something was refused"},
        mixinStandardHelpOptions = true)
final class ScanCommand implements Callable<Integer> {
    @Parameters(arity = "1..*", paramLabel = "FILE", description = "Files of any format, or folders.")
    private List<Path> files = List.of();

    @Option(names = "--json", description = "Print an array with an object for each file.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        List<ScanReport> reports = new ArrayList<>();
        for (Path file : files) {
            for (Path each : Files.isDirectory(file) ? filesIn(file) : List.of(file)) {
                reports.add(PickleScan.of(each));
                if (!json) {
                    print(out, reports.getLast());
                }
            }
        }
        if (json) {
            JsonOutput.print(out, generator -> {
                generator.writeStartArray();
                reports.forEach(report -> writeJson(generator, report));
                generator.writeEndArray();
            });
        } else if (reports.size() != 1) {
            long refused = reports.stream().filter(report -> !report.isClean()).count();
            out.printf("%d files scanned, %d refused%n", reports.size(), refused);
            out.flush();
        }
        return reports.stream().allMatch(ScanReport::isClean) ? 0 : Main.REFUSED;
    }

    private static List<Path> filesIn(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .filter(PickleScan::concerns)
                    .sorted()
                    .toList();
        }
    }

    private static void print(PrintWriter out, ScanReport report) {
        out.printf(
                "%s: %s (%s)%n",
                Visible.text(report.file().toString()), report.isClean() ? "ok" : "REFUSED", report.container());
        for (ScanReport.Global global : report.globals()) {
            out.printf(
                    "  %-8s %4d× %s%s%n",
                    global.allowed() ? "allowed" : "REFUSED",
                    global.count(),
                    Visible.text(global.qualifiedName()),
                    global.allowed()
                            ? ""
                            : "   (%s, byte %d)".formatted(Visible.text(global.stream()), global.position()));
        }
        for (ScanReport.Problem problem : report.problems()) {
            out.printf(
                    "  REFUSED        %s   (%sbyte %d)%n",
                    Visible.text(problem.text()),
                    problem.stream().isEmpty() ? "" : Visible.text(problem.stream()) + ", ",
                    problem.position());
        }
        report.refusal().ifPresent(refusal -> out.printf("  not opened: %s%n", Visible.text(refusal)));
        out.flush();
    }

    private static void writeJson(JsonGenerator json, ScanReport report) {
        json.writeStartObject();
        json.writeStringProperty("file", report.file().toString());
        json.writeBooleanProperty("clean", report.isClean());
        json.writeStringProperty("container", report.container());
        json.writeArrayPropertyStart("globals");
        for (ScanReport.Global global : report.globals()) {
            json.writeStartObject();
            json.writeStringProperty("module", global.module());
            json.writeStringProperty("name", global.name());
            json.writeBooleanProperty("allowed", global.allowed());
            json.writeNumberProperty("count", global.count());
            json.writeStringProperty("stream", global.stream());
            json.writeNumberProperty("position", global.position());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("problems");
        for (ScanReport.Problem problem : report.problems()) {
            json.writeStartObject();
            json.writeStringProperty("problem", problem.text());
            json.writeStringProperty("stream", problem.stream());
            json.writeNumberProperty("position", problem.position());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeName("refusal").writeString(report.refusal().orElse(null));
        json.writeEndObject();
    }
}
