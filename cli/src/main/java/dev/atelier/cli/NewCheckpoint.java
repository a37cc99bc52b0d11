package dev.atelier.cli;

import dev.atelier.Atelier;
import dev.atelier.checkpoint.Narrowing;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.merge.recipe.Format;
import dev.atelier.merge.recipe.Recipe;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of every command that writes a checkpoint. */
final class NewCheckpoint {
    private enum Form {
        FILE,
        DIFFUSERS;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final int SHOWN_LOSSES = 3;

    /** Processors of which one may hash while the others compute and wait for the disk. */
    private static final int ENOUGH = 4;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description =
                    "Precision of the result: fp16, bf16, fp32, fp8_e4m3fn or fp8_e5m2. Default: that of the input, the wider where inputs "
                            + "differ. Integers and the noise schedule keep their type.")
    private @Nullable Precision precision;

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "The new checkpoint: .safetensors, or .ckpt for old programs; a folder "
                    + "with --layout diffusers.")
    private Path output = Path.of("");

    @Option(
            names = "--layout",
            defaultValue = "file",
            paramLabel = "FORM",
            description = "file: one file. diffusers: a folder that from_pretrained opens. Default: ${DEFAULT-VALUE}.")
    private Form form = Form.FILE;

    @Option(
            names = "--hash",
            description =
                    "Compute the hash of a .safetensors result while it is written, as is done anyway on four processors and more."
                            + " The next command that needs it does not read the file for that.")
    private boolean hash;

    @Option(names = "--overwrite", description = "Replace the output if it exists.")
    private boolean overwrite;

    /** @throws IllegalArgumentException if the output exists and may not be replaced */
    void requireNew() {
        Main.requireNew(output, overwrite);
    }

    /** Writes {@code model} in the precision asked for, with its recipe, and says so on {@code out}. */
    void write(ResolvedModel model, String task, PrintWriter out) {
        try (Hashes hashes = Hashes.of(Recipe.files(model).values())) {
            boolean written = write(model, hashes, task, out);
            while (!written) {
                written = write(model, hashes, task, out); // now the hashes are known
            }
        }
    }

    /** @return false if the recipe takes other room than expected, because two of the hashes are the same */
    private boolean write(ResolvedModel model, Hashes hashes, String task, PrintWriter out) {
        Narrowing narrowing = new Narrowing();
        ResolvedModel whole = precision == null
                ? model
                : model.after(precision.toString(), narrowing.cast(model.checkpoint(), precision.dtype()));
        Format format = form == Form.DIFFUSERS ? Format.DIFFUSERS : Format.ofFile(output);
        Function<Function<Path, String>, Recipe> recipe = hash -> Recipe.of(whole, Atelier.version(), format, hash);
        Optional<Supplier<Recipe>> last =
                hashes.allKnown() ? Optional.empty() : Optional.of(() -> recipe.apply(hashes::sha256));
        boolean written = new Product(
                        format, recipe.apply(hashes::expected), last, Recipe.files(whole), whole.checkpoint())
                .write(output, hash || Runtime.getRuntime().availableProcessors() >= ENOUGH, task, out);
        if (written) {
            reportLosses(narrowing.losses(), out);
        }
        return written;
    }

    private static void reportLosses(List<Narrowing.Loss> losses, PrintWriter out) {
        long overflowed = losses.stream().mapToLong(Narrowing.Loss::overflowed).sum();
        long underflowed =
                losses.stream().mapToLong(Narrowing.Loss::underflowed).sum();
        if (overflowed > 0) {
            out.printf(
                    Locale.ROOT,
                    "  WARNING: %,d weights were too large for the new precision; they are infinite now, in e4m3fn 448%n",
                    overflowed);
        }
        if (underflowed > 0) {
            out.printf(
                    Locale.ROOT, "  %,d weights were too small for the new precision and are zero now%n", underflowed);
        }
        losses.stream()
                .limit(SHOWN_LOSSES)
                .forEach(loss -> out.printf(
                        Locale.ROOT,
                        "    %s: of %,d %s, %,d too large%s, %,d too small%n",
                        Visible.text(loss.tensor()),
                        loss.elements(),
                        loss.dtype(),
                        loss.overflowed(),
                        loss.overflowed() > 0 ? String.format(Locale.ROOT, " (up to %.4g)", loss.largest()) : "",
                        loss.underflowed()));
        if (losses.size() > SHOWN_LOSSES) {
            out.printf("    … and %d more tensors%n", losses.size() - SHOWN_LOSSES);
        }
    }
}
