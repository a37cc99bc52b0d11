package dev.atelier.cli;

import dev.atelier.Atelier;
import dev.atelier.Engine;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.PngFile;
import dev.atelier.training.shapes.Examination;
import dev.atelier.training.shapes.Scene;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "examine",
        description = {
            "Examines a model that was trained with the recipe \"shapes\".",
            "",
            "Draws held-out combinations of shape, colour and background with the default settings of 'atelier generate', "
                    + "and counts by program how many of the things that the captions name are in the pictures.",
            "",
            "Example:",
            "  atelier train examine --model shapes.safetensors --sheet sheet.png",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class TrainExamineCommand implements Callable<Integer> {
    private static final int COLUMNS = 14;

    @Option(names = "--model", paramLabel = "FILE", description = "The checkpoint. Default: the built-in model.")
    private @Nullable Path model;

    @Option(names = "--sheet", paramLabel = "FILE", description = "A PNG file with all the pictures.")
    private @Nullable Path sheet;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--overwrite", description = "Replace the PNG file if it exists.")
    private boolean overwrite;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        if (sheet != null) {
            Main.requireNew(sheet, overwrite);
        }
        List<Scene> scenes = Scene.examination();
        Examination examination;
        try (Atelier atelier = model != null ? Atelier.open(model) : Atelier.demo(Engine.ONNX, Progress.NONE);
                Bar bar = Bar.of("Examining", " pictures")) {
            examination = Examination.of(atelier::generate, scenes, seed, bar::update);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%d pictures of captions that were never trained on%n", scenes.size());
        examination
                .shares()
                .forEach((attribute, share) -> out.printf(
                        Locale.ROOT, "  %-11s %5.1f %%%n", attribute.name().toLowerCase(Locale.ROOT), 100 * share));
        out.printf(Locale.ROOT, "  %-11s %5.1f %%%n", "together", 100 * examination.share());
        out.printf(Locale.ROOT, "  %-11s %5.1f %% of the pictures%n", "faultless", 100 * examination.faultless());
        if (sheet != null) {
            PngFile.write(sheet, new GeneratedImage(examination.sheet(COLUMNS), seed, ""));
            out.println(sheet);
        }
        out.flush();
        return 0;
    }
}
