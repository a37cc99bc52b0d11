package dev.atelier.cli;

import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.merge.recipe.Format;
import dev.atelier.merge.recipe.InputSearch;
import dev.atelier.merge.recipe.Recipe;
import dev.atelier.merge.recipe.Step;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "rebuild",
        description = {
            "Makes a checkpoint again from its recipe, bit for bit.",
            "",
            "The inputs are looked for by what is in them, whatever they are called now: beside FILE and in --models. An input "
                    + "that is missing or not the same any more is named, and nothing is written. A result that is made from "
                    + "the recipe in a checkpoint is compared with it.",
            "",
            "Examples:",
            "  atelier rebuild merged.safetensors --models ~/models -o again.safetensors",
            "  atelier explain merged.safetensors --json > recipe.json",
            "  atelier rebuild recipe.json --models ~/models -o merged.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class RebuildCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "A recipe, or a checkpoint that carries one.")
    private Path file = Path.of("");

    @Mixin
    private Models models = new Models();

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "The new checkpoint, of the same format as the recipe's.")
    private Path output = Path.of("");

    @Option(names = "--overwrite", description = "Replace the output if it exists.")
    private boolean overwrite;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Main.requireNew(output, overwrite);
        Recipe recipe = RecipeFile.read(file);
        requireRebuildable(recipe.made());
        SequencedMap<String, Path> inputs = inputs(recipe.made());
        ResolvedModel model = ModelExpression.parse(recipe.made().expression())
                .resolve(name -> Optional.ofNullable(inputs.get(name)));
        PrintWriter out = spec.commandLine().getOut();
        new Product(recipe.made().format(), recipe, Optional.empty(), inputs, model.checkpoint())
                .write(output, false, "Rebuilding", out);
        boolean same = RecipeFile.isJson(file) || Files.isDirectory(file) || isSame(out);
        out.flush();
        return same ? 0 : 1;
    }

    private SequencedMap<String, Path> inputs(Step made) throws IOException {
        try (Hashes hashes = Hashes.of(List.of())) {
            return new InputSearch(places(), hashes::sha256).find(made);
        }
    }

    private void requireRebuildable(Step made) {
        if (!made.program().startsWith("Atelier")) {
            throw new IllegalArgumentException(
                    "%s was made by %s, whose files cannot be made again bit for bit; explain shows how it was made"
                            .formatted(file, made.program()));
        }
        if (made.format() != Format.DIFFUSERS && made.format() != Format.ofFile(output)) {
            throw new IllegalArgumentException(
                    "the recipe is that of a .%s file; let the name of the output end so".formatted(made.format()));
        }
    }

    /** What lies beside FILE, and the folders given. */
    private List<Path> places() throws IOException {
        List<Path> places = new ArrayList<>(models.folders());
        try (Stream<Path> beside = Files.list(file.toAbsolutePath().normalize().getParent())) {
            beside.filter(Files::isRegularFile).sorted().forEach(places::add);
        }
        return places;
    }

    private boolean isSame(PrintWriter out) throws IOException {
        long difference = Files.mismatch(file, output);
        if (difference < 0) {
            out.printf("  bit for bit the same as %s%n", file);
            return true;
        }
        spec.commandLine()
                .getErr()
                .printf(
                        Locale.ROOT,
                        "atelier: the result differs from %s from byte %,d on: that file was changed after it was made,"
                                + " or this version computes otherwise%n",
                        file,
                        difference);
        return false;
    }
}
