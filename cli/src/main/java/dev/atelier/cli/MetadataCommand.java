package dev.atelier.cli;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.SafetensorsMetadata;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "metadata",
        description = {
            "Shows or edits the metadata in the header of a safetensors file.",
            "",
            "The weights are copied byte for byte, so AutoV3 stays as it was. An edit in place replaces the file in one step, "
                    + "when the new one is complete and on disk; it needs room for both.",
            "",
            "Examples:",
            "  atelier metadata model.safetensors",
            "  atelier metadata model.safetensors --set modelspec.title=\"My model\" -i",
            "  atelier metadata lora.safetensors --remove ss_dataset_dirs \\",
            "      -o lora2.safetensors",
            "  atelier metadata lora.safetensors --thumbnail preview.png -i",
            "  atelier metadata model.safetensors --clear -o anonymous.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class MetadataCommand implements Callable<Integer> {
    /** The key of Stability AI's Model Spec, whose value is a data URI of a JPEG of 256 pixels. */
    private static final String THUMBNAIL = "modelspec.thumbnail";

    @Parameters(paramLabel = "FILE", description = "A .safetensors file.")
    private Path file = Path.of("");

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Add or replace an entry; may be given several times.")
    private Map<String, String> set = new LinkedHashMap<>();

    @Option(names = "--remove", paramLabel = "KEY", description = "Remove an entry; may be given several times.")
    private List<String> remove = List.of();

    @Option(names = "--clear", description = "Remove all entries that were there before.")
    private boolean clear;

    @Option(
            names = "--thumbnail",
            paramLabel = "PICTURE",
            description = "Set " + THUMBNAIL + " to this picture, scaled to 256 pixels.")
    private @Nullable Path thumbnail;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Write the edited file here.")
    private @Nullable Path output;

    @Option(
            names = {"-i", "--in-place"},
            description = "Replace FILE itself.")
    private boolean inPlace;

    @Option(names = "--overwrite", description = "Replace the output file if it exists.")
    private boolean overwrite;

    @Option(names = "--json", description = "Print the metadata, after the edit, as one JSON object.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Map<String, String> before = Checkpoints.open(file).metadata();
        if (!clear && set.isEmpty() && remove.isEmpty() && thumbnail == null) {
            if (output != null || inPlace) {
                throw new IllegalArgumentException("nothing to change; give --set, --remove, --clear or --thumbnail");
            }
            print(before);
            return 0;
        }
        Path target = target();
        Map<String, String> after = edited(before);
        try (Bar bar = Bar.bytes("Writing")) {
            SafetensorsMetadata.rewrite(file, target, after, bar.progress());
        }
        if (json) {
            print(after);
        } else {
            PrintWriter out = spec.commandLine().getOut();
            out.printf("%s: %d metadata entries, %d before%n", target, after.size(), before.size());
            out.flush();
        }
        return 0;
    }

    private Path target() {
        if (inPlace == (output != null)) {
            throw new IllegalArgumentException("give either -o FILE or -i (--in-place)");
        }
        if (output == null) {
            return file;
        }
        Main.requireNew(output, overwrite);
        return output;
    }

    private Map<String, String> edited(Map<String, String> before) throws IOException {
        Map<String, String> after = new LinkedHashMap<>(clear ? Map.of() : before);
        for (String key : remove) {
            if (after.remove(key) == null) {
                throw new IllegalArgumentException("%s has no metadata entry \"%s\"".formatted(file, key));
            }
        }
        after.putAll(set);
        if (thumbnail != null) {
            after.put(THUMBNAIL, Thumbnail.dataUri(thumbnail));
        }
        return after;
    }

    private void print(Map<String, String> metadata) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            JsonOutput.print(out, generator -> {
                generator.writeStartObject();
                metadata.forEach(generator::writeStringProperty);
                generator.writeEndObject();
            });
        } else if (metadata.isEmpty()) {
            out.printf("%s has no metadata%n", file);
        } else {
            metadata.forEach(
                    (key, value) -> out.printf("%s = %s%n", Visible.text(key), Visible.text(shortened(value))));
        }
        out.flush();
    }

    private static String shortened(String value) {
        return value.startsWith("data:") && value.length() > 60
                ? "%s… (%s)".formatted(value.substring(0, 40), Sizes.of(value.length()))
                : value;
    }
}
