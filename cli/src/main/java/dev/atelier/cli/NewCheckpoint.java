package dev.atelier.cli;

import dev.atelier.checkpoint.Checkpoint;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of every command that writes a checkpoint. */
final class NewCheckpoint {
    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description =
                    "Precision of the result: fp16, bf16 or fp32. Default: that of the input, the wider where inputs "
                            + "differ. Integers and the noise schedule keep their type.")
    private @Nullable Precision precision;

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "The new checkpoint: .safetensors, or .ckpt for old programs (without metadata).")
    private Path output = Path.of("");

    @Option(names = "--overwrite", description = "Replace the output file if it exists.")
    private boolean overwrite;

    /** @throws IllegalArgumentException if the output exists and may not be replaced */
    void requireNew() {
        Main.requireNew(output, overwrite);
    }

    /** Writes {@code checkpoint} in the precision asked for and says so on {@code out}. */
    void write(Checkpoint checkpoint, String task, PrintWriter out) {
        Checkpoint written = precision == null ? checkpoint : checkpoint.cast(precision.dtype());
        long start = System.nanoTime();
        try (Bar bar = Bar.bytes(task)) {
            written.writeTo(output, bar.progress());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        out.printf(
                Locale.ROOT,
                "%s: %d tensors, %s in %.1f s%n",
                output,
                written.tensors().size(),
                Sizes.of(written.byteSize()),
                seconds);
    }
}
