package dev.atelier.cli;

import dev.atelier.training.ShapesRecipe;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "scratch",
        description = {
            "Trains a small model from nothing.",
            "",
            "The recipe \"shapes\" makes the model that comes with Atelier: it draws coloured shapes, 128 × 128 pixels, "
                    + "in the layout of Stable Diffusion 1. Takes an hour or two on two cores.",
            "",
            "Examples:",
            "  atelier train scratch --recipe shapes -o shapes.safetensors",
            "  atelier generate \"a small red star on the left on a white background\" \\",
            "      --model shapes.safetensors \\",
            "      --width 128 --height 128",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class TrainScratchCommand implements Callable<Integer> {
    private enum Recipe {
        SHAPES;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(names = "--recipe", required = true, paramLabel = "NAME", description = "shapes.")
    private Recipe recipe = Recipe.SHAPES;

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "The new checkpoint, in half precision.")
    private Path output = Path.of("");

    @Option(
            names = "--state",
            paramLabel = "FOLDER",
            description =
                    "Where everything is kept that is needed to go on later, and the losses as a table and a curve. "
                            + "Default: the output's name with .state behind it.")
    private @Nullable Path state;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--overwrite", description = "Replace the output file if it exists.")
    private boolean overwrite;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        Main.requireNew(output, overwrite);
        Path folder = state != null ? state : output.resolveSibling(output.getFileName() + ".state");
        try (TrainingProgress progress = new TrainingProgress(spec.commandLine().getErr(), true)) {
            switch (recipe) {
                case SHAPES -> ShapesRecipe.standard(folder, seed, progress).run(output);
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(output);
        out.flush();
        return 0;
    }
}
