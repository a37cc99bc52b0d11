package dev.atelier.cli;

import dev.atelier.Atelier;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.merge.recipe.Format;
import dev.atelier.merge.recipe.Recipe;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SequencedMap;
import picocli.CommandLine.Option;

/** The options of every command that writes a LoRA. */
final class NewLora {
    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "The new LoRA, .safetensors.")
    private Path output = Path.of("");

    @Option(names = "--overwrite", description = "Replace the output if it exists.")
    private boolean overwrite;

    /** Computes what {@code expression} says and writes it with its recipe. */
    void write(ModelExpression expression, Models models, String task, PrintWriter out) {
        Main.requireNew(output, overwrite);
        ResolvedModel lora;
        try (Bar bar = Bar.of(task, " M weights", 1_000_000)) {
            lora = models.resolve(expression, bar.progress());
        }
        SequencedMap<String, Path> inputs = Recipe.files(lora);
        Format format = Format.ofFile(output);
        try (Hashes hashes = Hashes.of(inputs.values())) {
            Recipe recipe = Recipe.of(lora, Atelier.version(), format, hashes::sha256);
            new Product(format, recipe, Optional.empty(), inputs, lora.checkpoint())
                    .write(output, true, "Writing", out);
        }
    }
}
