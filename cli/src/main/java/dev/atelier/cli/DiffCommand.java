package dev.atelier.cli;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.merge.Difference;
import dev.atelier.merge.Difference.Group;
import dev.atelier.merge.Similarity;
import dev.atelier.merge.TensorDifference;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "diff",
        description = {
            "Shows where two models differ, and by how much.",
            "",
            "For each block: how many of its tensors are identical, the cosine between A's weights and B's (1: the same "
                    + "direction), and the change |B - A| as a percentage of |A|. A merge or a fine-tune changes a model by a "
                    + "few percent; unrelated models have a cosine near 0.",
            "",
            "Formats and precisions may differ; tensors are matched by name. Memory stays small.",
            "",
            "Examples:",
            "  atelier diff base.safetensors tuned.safetensors",
            "  atelier diff base.safetensors tuned.safetensors --heatmap change.png",
            "  atelier diff a.ckpt b.safetensors \\",
            "      --json | jq '.tensors[] | select(.identical | not)'",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class DiffCommand implements Callable<Integer> {
    private static final int SHOWN = 5;

    @Parameters(index = "0", paramLabel = "A", description = "A checkpoint.")
    private Path a = Path.of("");

    @Parameters(index = "1", paramLabel = "B", description = "The checkpoint to compare with it.")
    private Path b = Path.of("");

    @Option(names = "--tensors", description = "List every tensor that differs, the most changed first.")
    private boolean tensors;

    @Option(
            names = "--heatmap",
            paramLabel = "FILE",
            description = "Draw the changes, block by block and kind by kind: .svg or .png.")
    private @Nullable Path heatMap;

    @Option(names = "--overwrite", description = "Replace the picture if it exists.")
    private boolean overwrite;

    @Option(names = "--json", description = "Print everything, every tensor included, as JSON.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private record Block(Component component, String name) {}

    private record Cell(Block block, String kind) {}

    @Override
    public Integer call() throws IOException {
        if (heatMap != null) {
            requirePicture(heatMap);
            Main.requireNew(heatMap, overwrite);
        }
        Difference difference;
        try (Bar bar = Bar.bytes("Comparing")) {
            difference = Difference.of(Checkpoints.open(a), Checkpoints.open(b), bar.progress());
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            JsonOutput.print(out, generator -> writeJson(generator, difference));
        } else {
            print(out, difference);
        }
        if (heatMap != null) {
            HeatMap map = heatMap(difference);
            Files.write(heatMap, heatMap.toString().endsWith(".svg") ? map.svg() : map.png());
        }
        out.flush();
        return 0;
    }

    private static void requirePicture(Path file) {
        if (!file.toString().endsWith(".svg") && !file.toString().endsWith(".png")) {
            throw new IllegalArgumentException("%s: a heat map is an .svg or a .png file".formatted(file));
        }
    }

    private void print(PrintWriter out, Difference difference) {
        out.printf("A  %s%nB  %s%n%n", a, b);
        if (difference.identical()) {
            out.printf("Identical: all %d tensors.%n", difference.tensors().size());
        } else {
            printTable(out, difference);
        }
        printNames(out, "Only in A", difference.onlyA());
        printNames(out, "Only in B", difference.onlyB());
        printNames(
                out,
                "Other shape",
                difference.tensors().stream()
                        .filter(tensor -> !tensor.sameShape())
                        .map(tensor -> "%s %s, %s"
                                .formatted(
                                        tensor.name(),
                                        tensor.a().shape(),
                                        tensor.b().shape()))
                        .toList());
        printTypes(out, difference);
    }

    private void printTable(PrintWriter out, Difference difference) {
        out.printf("  %-32s %8s %10s %10s %12s%n", "", "Tensors", "Identical", "Cosine", "Change");
        if (tensors) {
            difference.tensors().stream()
                    .filter(tensor -> !tensor.identical() && tensor.similarity().isPresent())
                    .sorted(Comparator.comparingDouble(DiffCommand::change).reversed())
                    .forEach(tensor -> printRow(
                            out,
                            Visible.text(tensor.name()),
                            new Group(1, 0, tensor.similarity().orElseThrow())));
        } else {
            SequencedMap<Block, Group> blocks = blocks(difference);
            var components =
                    new TreeMap<>(difference.by(tensor -> tensor.place().component()));
            components.forEach((component, group) -> {
                printRow(out, component.label(), group);
                blocks.entrySet().stream()
                        .filter(block -> block.getKey().component == component)
                        .sorted(Comparator.comparing(block -> block.getKey().name))
                        .forEach(block -> printRow(out, "  " + block.getKey().name, block.getValue()));
            });
        }
        difference.by(_ -> "all").forEach((label, group) -> printRow(out, label, group));
    }

    private static double change(TensorDifference tensor) {
        return tensor.similarity().map(Similarity::relativeNorm).orElse(Double.NaN);
    }

    private static SequencedMap<Block, Group> blocks(Difference difference) {
        return difference.by(
                tensor -> new Block(tensor.place().component(), tensor.place().block()));
    }

    private static void printRow(PrintWriter out, String label, Group group) {
        Similarity similarity = group.similarity();
        out.printf(
                Locale.ROOT,
                "  %-32s %8d %10d %10s %12s%s%n",
                label,
                group.tensors(),
                group.identical(),
                similarity.identical() ? "=" : String.format(Locale.ROOT, "%.6f", similarity.cosine()),
                HeatMap.percent(100 * similarity.relativeNorm()),
                similarity.notFinite() == 0 ? "" : "  %d not finite".formatted(similarity.notFinite()));
    }

    private static void printNames(PrintWriter out, String title, List<String> names) {
        if (!names.isEmpty()) {
            out.printf("%n%s: %d tensors%n", title, names.size());
            names.stream().limit(SHOWN).forEach(name -> out.printf("  %s%n", Visible.text(name)));
            if (names.size() > SHOWN) {
                out.printf("  …%n");
            }
        }
    }

    private static void printTypes(PrintWriter out, Difference difference) {
        difference.by(tensor -> List.of(tensor.a().dtype(), tensor.b().dtype())).forEach((types, group) -> {
            if (types.getFirst() != types.getLast()) {
                out.printf(
                        "%n%d tensors are %s in A and %s in B%n", group.tensors(), types.getFirst(), types.getLast());
            }
        });
    }

    private HeatMap heatMap(Difference difference) {
        List<String> kinds =
                List.of("convolution", "self-attention", "cross-attention", "feed-forward", "norm", "embedding");
        List<Block> rows = blocks(difference).keySet().stream()
                .sorted(Comparator.comparing(Block::component).thenComparing(Block::name))
                .toList();
        Map<Cell, Group> cells = difference.by(tensor -> new Cell(
                new Block(tensor.place().component(), tensor.place().block()),
                tensor.place().kind()));
        return new HeatMap(
                "Change from %s to %s, |B - A| / |A|".formatted(a.getFileName(), b.getFileName()),
                kinds,
                rows.stream()
                        .map(row -> "%s %s".formatted(row.component.label(), row.name))
                        .toList(),
                rows.stream()
                        .map(row -> kinds.stream()
                                .map(kind -> cells.get(new Cell(row, kind)))
                                .map(group -> group == null
                                        ? OptionalDouble.empty()
                                        : OptionalDouble.of(
                                                100 * group.similarity().relativeNorm()))
                                .toList())
                        .toList());
    }

    private void writeJson(JsonGenerator json, Difference difference) {
        json.writeStartObject();
        json.writeStringProperty("a", a.toString());
        json.writeStringProperty("b", b.toString());
        json.writeBooleanProperty("identical", difference.identical());
        json.writeArrayPropertyStart("blocks");
        blocks(difference).forEach((block, group) -> {
            json.writeStartObject();
            json.writeStringProperty("component", block.component.label());
            json.writeStringProperty("block", block.name.replace(" ", ""));
            json.writeNumberProperty("tensors", group.tensors());
            json.writeNumberProperty("identical", group.identical());
            writeNumbers(json, group.similarity());
            json.writeEndObject();
        });
        json.writeEndArray();
        json.writeArrayPropertyStart("tensors");
        for (TensorDifference tensor : difference.tensors()) {
            json.writeStartObject();
            json.writeStringProperty("name", tensor.name());
            json.writeBooleanProperty("identical", tensor.identical());
            json.writeStringProperty("dtype_a", tensor.a().dtype().name());
            json.writeStringProperty("dtype_b", tensor.b().dtype().name());
            tensor.similarity().ifPresent(similarity -> writeNumbers(json, similarity));
            json.writeEndObject();
        }
        json.writeEndArray();
        writeNames(json, "only_a", difference.onlyA());
        writeNames(json, "only_b", difference.onlyB());
        writeNames(
                json,
                "other_shape",
                difference.tensors().stream()
                        .filter(tensor -> !tensor.sameShape())
                        .map(TensorDifference::name)
                        .toList());
        json.writeEndObject();
    }

    private static void writeNumbers(JsonGenerator json, Similarity similarity) {
        writeNumber(json, "cosine", similarity.cosine());
        writeNumber(json, "relative_norm", similarity.relativeNorm());
        writeNumber(json, "largest_change", similarity.largestChange());
        json.writeNumberProperty("changed_elements", similarity.changed());
        json.writeNumberProperty("elements", similarity.elements());
        json.writeNumberProperty("not_finite", similarity.notFinite());
    }

    /** JSON has no NaN and no infinity. */
    private static void writeNumber(JsonGenerator json, String name, double value) {
        if (Double.isFinite(value)) {
            json.writeNumberProperty(name, value);
        } else {
            json.writeNullProperty(name);
        }
    }

    private static void writeNames(JsonGenerator json, String field, List<String> names) {
        json.writeArrayPropertyStart(field);
        names.forEach(json::writeString);
        json.writeEndArray();
    }
}
