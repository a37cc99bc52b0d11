package dev.atelier.cli;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Recognition;
import dev.atelier.checkpoint.TrainingState;
import dev.atelier.checkpoint.VaeHash;
import dev.atelier.checkpoint.Verification;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "inspect",
        description = {
            "Says what is in a checkpoint: which model it is, its parts, their parameters and precision, its metadata.",
            "",
            "Reads the file's directory only, so it takes no longer for a large file, and runs nothing of it.",
            "",
            "Examples:",
            "  atelier inspect model.safetensors",
            "  atelier inspect model.ckpt --json | jq '.tensors | length'",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
    private static final int SHOWN_METADATA = 100;

    @Parameters(
            paramLabel = "MODEL",
            description = "A .safetensors or .ckpt file, a folder of diffusers, the name of a model in --models, or an"
                    + " expression such as \"0.7*A + 0.3*B\".")
    private String model = "";

    @Mixin
    private Models models = new Models();

    @Option(names = "--check", description = "Read all weights too: look for NaN and infinity, and identify the VAE.")
    private boolean check;

    @Option(names = "--json", description = "Print everything, every tensor included, as JSON.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Checkpoint checkpoint = models.resolve(model).checkpoint();
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            printJson(checkpoint, out);
        } else {
            printText(checkpoint, out);
        }
        out.flush();
        return 0;
    }

    private void printText(Checkpoint checkpoint, PrintWriter out) throws IOException {
        out.println(model);
        Recognition recognition = Recognition.of(checkpoint);
        out.printf("  %-13s %s%n", "Model", Visible.text(recognition.label()));
        if (!recognition.weights().isEmpty()) {
            out.printf("  %-13s %s%n", "Weights", recognition.weights());
            out.printf("  %-13s %s%n", "Predicts", recognition.prediction());
        }
        long size = size(checkpoint);
        String problem = problem(checkpoint);
        out.printf(
                "  %-13s %s%n",
                "Usable", problem == null ? "yes, for generating pictures" : "not for generating: " + problem);
        out.printf(Locale.ROOT, "  %-13s %s (%,d bytes)%n", "Size", Sizes.of(size), size);
        out.printf("%n  %-22s %8s %16s %10s  %s%n", "Part", "Tensors", "Parameters", "Size", "Types");
        for (Part part : Part.of(checkpoint)) {
            out.printf(
                    Locale.ROOT,
                    "  %-22s %8d %,16d %10s  %s%n",
                    part.label(),
                    part.tensors(),
                    part.parameters(),
                    Sizes.of(part.bytes()),
                    types(part));
        }
        List<String> notes = notes(checkpoint, recognition);
        if (!notes.isEmpty()) {
            out.printf("%n  Notes%n");
            notes.forEach(note -> out.printf("    %s%n", Visible.text(note)));
        }
        if (!checkpoint.metadata().isEmpty()) {
            out.printf("%n  Metadata%n");
            checkpoint
                    .metadata()
                    .forEach((key, value) -> out.printf("    %s = %s%n", printable(key), printable(value)));
        }
    }

    private List<String> notes(Checkpoint checkpoint, Recognition recognition) {
        List<String> notes = new ArrayList<>(recognition.notes());
        if (checkpoint.sources().size() == 1) {
            List<String> training = TrainingState.of(checkpoint.sources().getFirst());
            if (!training.isEmpty()) {
                notes.add("beside the weights: " + String.join(", ", training));
            }
        }
        if (check) {
            VaeHash.of(checkpoint)
                    .ifPresent(hash -> notes.add("VAE " + hash.substring(0, 16)
                            + " (the same VAE has the same digits in any file and precision)"));
            for (Path source : checkpoint.sources()) {
                if (!source.toString().endsWith(".json")) {
                    Verification read = Verification.of(source, Progress.NONE);
                    notes.addAll(read.problems());
                    read.nonFinite()
                            .forEach((tensor, count) -> notes.add(
                                    "%s: %d NaN, %d infinite".formatted(tensor, count.nan(), count.infinite())));
                }
            }
        }
        return notes;
    }

    /** The size of the files that the checkpoint consists of. */
    private static long size(Checkpoint checkpoint) throws IOException {
        long size = 0;
        for (Path source : checkpoint.sources()) {
            size += Files.size(source);
        }
        return size;
    }

    private static String types(Part part) {
        List<Map.Entry<String, Long>> types = List.copyOf(part.types().entrySet());
        return types.stream()
                .map(type -> types.size() == 1 ? type.getKey() : "%s (%d)".formatted(type.getKey(), type.getValue()))
                .collect(Collectors.joining(", "));
    }

    /** What keeps pictures from being made with this checkpoint. */
    private static @Nullable String problem(Checkpoint checkpoint) {
        try {
            StableDiffusion.of(checkpoint);
            return null;
        } catch (InvalidCheckpointException e) {
            return e.problem();
        }
    }

    private static String printable(String text) {
        String clean = text.replaceAll("\\p{Cntrl}", " ");
        return clean.length() <= SHOWN_METADATA
                ? clean
                : "%s… (%d characters)".formatted(clean.substring(0, SHOWN_METADATA), clean.length());
    }

    private void printJson(Checkpoint checkpoint, PrintWriter out) throws IOException {
        long size = size(checkpoint);
        JsonOutput.print(out, json -> {
            json.writeStartObject();
            json.writeStringProperty("file", model);
            json.writeStringProperty(
                    "architecture", Architecture.of(checkpoint).name().toLowerCase(Locale.ROOT));
            json.writeStringProperty("model", Architecture.of(checkpoint).label());
            Recognition recognition = Recognition.of(checkpoint);
            json.writeStringProperty("variant", recognition.variant());
            json.writeStringProperty("weights", recognition.weights());
            json.writeStringProperty("prediction", recognition.prediction());
            json.writeArrayPropertyStart("notes");
            notes(checkpoint, recognition).forEach(json::writeString);
            json.writeEndArray();
            String problem = problem(checkpoint);
            json.writeBooleanProperty("usable", problem == null);
            json.writeName("problem").writeString(problem);
            json.writeNumberProperty("bytes", size);
            json.writeArrayPropertyStart("parts");
            for (Part part : Part.of(checkpoint)) {
                json.writeStartObject();
                json.writeStringProperty("part", part.label());
                json.writeNumberProperty("tensors", part.tensors());
                json.writeNumberProperty("parameters", part.parameters());
                json.writeNumberProperty("bytes", part.bytes());
                json.writeObjectPropertyStart("types");
                part.types().forEach(json::writeNumberProperty);
                json.writeEndObject();
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeObjectPropertyStart("metadata");
            checkpoint.metadata().forEach(json::writeStringProperty);
            json.writeEndObject();
            json.writeObjectPropertyStart("tensors");
            checkpoint.tensors().forEach((name, tensor) -> {
                long[] shape = tensor.shape().sizes();
                json.writeObjectPropertyStart(name);
                json.writeStringProperty("dtype", tensor.dtype().name());
                json.writeName("shape").writeArray(shape, 0, shape.length);
                json.writeEndObject();
            });
            json.writeEndObject();
            json.writeEndObject();
        });
    }
}
