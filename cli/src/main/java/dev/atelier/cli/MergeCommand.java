package dev.atelier.cli;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.merge.Merge;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "merge",
        description = {
            "Merges checkpoints into a new one, with the same result, bit for bit, as AUTOMATIC1111's Checkpoint Merger.",
            "",
            "  weighted-sum    (1 - M)*A + M*B",
            "  add-difference  A + M*(B - C): what B learnt on top of C, added to A",
            "",
            "Inputs are .safetensors or .ckpt files, in any mix of precisions. Nothing in a .ckpt file is ever run.",
            "Memory stays small whatever their size, and the result appears only when it is complete.",
            "",
            "Examples:",
            "  atelier merge anime.safetensors photo.ckpt -m 0.3 -o anime-photo.safetensors",
            "  atelier merge mine.safetensors style.safetensors base.safetensors -m 0.8 \\",
            "      --method add-difference --dtype fp16 -o mine-styled.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class MergeCommand implements Callable<Integer> {
    private enum Method {
        WEIGHTED_SUM,
        ADD_DIFFERENCE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    @Parameters(
            arity = "2..3",
            paramLabel = "MODEL",
            description = "Primary (A), secondary (B) and, for add-difference, tertiary model (C).")
    private List<Path> models = List.of();

    @Option(
            names = {"-m", "--multiplier"},
            paramLabel = "M",
            defaultValue = "0.3",
            description = "Multiplier, usually 0 to 1. Default: ${DEFAULT-VALUE}. For weighted-sum, 0 is A and 1 is B.")
    private double multiplier;

    @Option(
            names = "--method",
            description = "weighted-sum or add-difference. Default: what fits the number of models.")
    private @Nullable Method method;

    @Option(
            names = "--dtype",
            description =
                    "Precision of the result, fp16, bf16 or fp32. Default: that of the inputs, the wider where they differ.")
    private @Nullable Precision precision;

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "The new checkpoint, a .safetensors file.")
    private Path output = Path.of("");

    @Option(names = "--overwrite", description = "Replace the output file if it exists.")
    private boolean overwrite;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        Main.requireNew(output, overwrite);
        long start = System.nanoTime();
        Checkpoint merged = merged();
        if (precision != null) {
            merged = Merge.saveAs(merged, precision.dtype());
        }
        try (Bar bar = Bar.bytes("Merging")) {
            merged.writeTo(output, bar.progress());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        spec.commandLine()
                .getOut()
                .printf(
                        Locale.ROOT,
                        "%s: %d tensors, %s in %.1f s%n",
                        output,
                        merged.tensors().size(),
                        Sizes.of(merged.byteSize()),
                        seconds);
        return 0;
    }

    private Checkpoint merged() {
        Method chosen = method != null ? method : models.size() == 3 ? Method.ADD_DIFFERENCE : Method.WEIGHTED_SUM;
        int needed = chosen == Method.ADD_DIFFERENCE ? 3 : 2;
        if (models.size() != needed) {
            throw new IllegalArgumentException(
                    "%s merges %d models, but %d are given".formatted(chosen, needed, models.size()));
        }
        List<Checkpoint> opened = models.stream().map(Checkpoints::open).toList();
        return switch (chosen) {
            case WEIGHTED_SUM -> Merge.weightedSum(opened.get(0), opened.get(1), multiplier);
            case ADD_DIFFERENCE -> Merge.addDifference(opened.get(0), opened.get(1), opened.get(2), multiplier);
        };
    }
}
