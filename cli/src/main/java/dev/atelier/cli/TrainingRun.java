package dev.atelier.cli;

import dev.atelier.Atelier;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.FineTuning;
import dev.atelier.training.TrainingPlan;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all fine-tunings have in common. */
final class TrainingRun {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "The checkpoint to start from: a file, a name or an expression, as for generate. Default: the"
                    + " built-in model.")
    private @Nullable String model;

    @Mixin
    private Models models = new Models();

    @ArgGroup(validate = false, heading = "%nWhat it learns from:%n")
    private TrainingData data = new TrainingData();

    @ArgGroup(validate = false, heading = "%nHow long and how fast:%n")
    private TrainingCourse course = new TrainingCourse();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "The result.")
    private @Nullable Path output;

    @Option(
            names = "--state",
            paramLabel = "FOLDER",
            description =
                    "Where everything is kept that is needed to go on later, and the losses as a table and a curve."
                            + " Default: the output's name with .state behind it.")
    private @Nullable Path state;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = "Precision of the result: fp16, bf16 or fp32. Default: fp16.")
    private Precision precision = Precision.FP16;

    @Option(
            names = "--save-every",
            paramLabel = "STEPS",
            description = "Write the result so far, under its name and the step. Default: only at the end.")
    private int saveEvery;

    @Option(
            names = "--sample",
            paramLabel = "PROMPT",
            description = "Draw this at the end, into the state folder; may be given several times.")
    private List<String> samples = new ArrayList<>();

    @Option(names = "--sample-every", paramLabel = "STEPS", description = "Draw it also every so many steps.")
    private int sampleEvery;

    @Option(names = "--overwrite", description = "Replace the output file if it exists.")
    private boolean overwrite;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    /** Trains as the options say. */
    int run(TrainingPlan.Method method, int usualSteps, double usualRate) {
        if (output == null) {
            throw new IllegalArgumentException("--output is missing: the file to write");
        }
        Main.requireNew(output, overwrite);
        Path folder = state != null ? state : output.resolveSibling(output.getFileName() + ".state");
        Checkpoint checkpoint = model == null
                ? Checkpoints.open(Atelier.demoFile())
                : models.resolve(model).checkpoint();
        int size = StableDiffusion.of(checkpoint).nativeSize();
        TrainingPlan plan = new TrainingPlan(
                method,
                data.data(size, folder),
                course.objective(),
                course.course(usualSteps, usualRate),
                new TrainingPlan.Saving(
                        output, folder, precision.dtype(), saveEvery, samples, sampleEvery, title(output)));
        PrintWriter out = command.commandLine().getOut();
        try (TrainingProgress progress =
                new TrainingProgress(command.commandLine().getErr())) {
            FineTuning.run(checkpoint, plan, progress);
        }
        out.println(output);
        out.flush();
        return 0;
    }

    private static String title(Path file) {
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }
}
