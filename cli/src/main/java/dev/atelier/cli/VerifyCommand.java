package dev.atelier.cli;

import dev.atelier.checkpoint.Verification;
import dev.atelier.checkpoint.Verification.Count;
import dev.atelier.checkpoint.Verification.Verdict;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "verify",
        description = {
            "Reads every byte of checkpoints and says whether they are whole: structure, checksums, numbers.",
            "",
            "  sound        nothing wrong was found",
            "  not finite   intact, but some weights are NaN or infinite",
            "  damaged      truncated, altered, or not a checkpoint",
            "",
            "safetensors files have no checksums, so altered weights show in their hash only (atelier hash). Nothing in a "
                    + "file is ever run.",
            "",
            "Examples:",
            "  atelier verify model.safetensors",
            "  atelier verify models/*.ckpt && echo all sound",
            "",
        },
        sortOptions = false,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {" 0:all files are sound", " 1:some file is not", " 2:a file could not be read"},
        mixinStandardHelpOptions = true)
final class VerifyCommand implements Callable<Integer> {
    private static final int SHOWN = 5;

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "Checkpoints of any format.")
    private List<Path> files = List.of();

    @Option(names = "--json", description = "Print an array with an object for each file, every finding included.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        List<Verification> all = new ArrayList<>();
        for (Path file : files) {
            // One after the other: each file is already read by all cores.
            try (Bar bar = Bar.bytes("Verifying " + file.getFileName())) {
                all.add(Verification.of(file, bar.progress()));
            }
            if (!json) {
                print(out, all.getLast());
            }
        }
        if (json) {
            JsonOutput.print(out, generator -> {
                generator.writeStartArray();
                all.forEach(one -> writeJson(generator, one));
                generator.writeEndArray();
            });
        }
        return all.stream().allMatch(one -> one.verdict() == Verdict.SOUND) ? 0 : 1;
    }

    private static String text(Verdict verdict) {
        return verdict.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static void print(PrintWriter out, Verification one) {
        out.printf("%s: %s%n", one.file(), text(one.verdict()));
        if (one.tensors() > 0) {
            out.printf("  read %d tensors, %s%n", one.tensors(), Sizes.of(one.bytes()));
        }
        one.problems().forEach(problem -> out.printf("  %s%n", Visible.text(problem)));
        one.nonFinite().entrySet().stream()
                .limit(SHOWN)
                .forEach(tensor -> out.printf("  %s: %s%n", Visible.text(tensor.getKey()), text(tensor.getValue())));
        if (one.nonFinite().size() > SHOWN) {
            out.printf("  … and %d more tensors%n", one.nonFinite().size() - SHOWN);
        }
        out.flush();
    }

    private static String text(Count count) {
        return count.infinite() == 0
                ? "%,d NaN".formatted(count.nan())
                : count.nan() == 0
                        ? "%,d infinite".formatted(count.infinite())
                        : "%,d NaN, %,d infinite".formatted(count.nan(), count.infinite());
    }

    private static void writeJson(JsonGenerator json, Verification one) {
        json.writeStartObject();
        json.writeStringProperty("file", one.file().toString());
        json.writeStringProperty("verdict", one.verdict().name().toLowerCase(Locale.ROOT));
        json.writeNumberProperty("tensors", one.tensors());
        json.writeNumberProperty("bytes", one.bytes());
        json.writeArrayPropertyStart("problems");
        one.problems().forEach(json::writeString);
        json.writeEndArray();
        json.writeObjectPropertyStart("not_finite");
        for (Map.Entry<String, Count> tensor : one.nonFinite().entrySet()) {
            json.writeObjectPropertyStart(tensor.getKey());
            json.writeNumberProperty("nan", tensor.getValue().nan());
            json.writeNumberProperty("infinite", tensor.getValue().infinite());
            json.writeEndObject();
        }
        json.writeEndObject();
        json.writeEndObject();
    }
}
