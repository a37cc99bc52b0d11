package dev.atelier.cli;

import dev.atelier.Atelier;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.FineTuning;
import dev.atelier.training.LoraNaming;
import dev.atelier.training.TrainingPlan;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all fine-tunings have in common. */
abstract class FineTuningCommand implements Callable<Integer> {
    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "A TOML or YAML file with options, by their names here or in the scripts of diffusers and kohya. Options"
                            + " given beside it go first.")
    private @Nullable Path config;

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
            names = "--naming",
            paramLabel = "WHOSE",
            description = "How the tensors of a LoRA or a word are called: kohya or diffusers. Default: kohya.")
    private LoraNaming naming = LoraNaming.KOHYA;

    @Option(
            names = "--keep-ema",
            description = "Write a whole model with its last weights and, beside them, their moving averages.")
    private boolean keepEma;

    @Option(names = "--private", description = "Say nothing in the file of the pictures' folders and captions.")
    private boolean confidential;

    @Option(
            names = "--save-every",
            paramLabel = "STEPS",
            description = "Write the result so far, under its name and the step. Default: only at the end.")
    private int saveEvery;

    @Option(
            names = "--save-state-every",
            paramLabel = "STEPS",
            description = "Save what is needed to go on so often. Default: every other minute.")
    private int saveStateEvery;

    @Option(
            names = "--sample",
            paramLabel = "PROMPT",
            description = "Draw this at the end, into the state folder; may be given several times.")
    private List<String> samples = new ArrayList<>();

    @Option(
            names = "--sample-every",
            paramLabel = "STEPS",
            description = "Draw it also every so many steps, and measure on the pictures for --validation.")
    private int sampleEvery;

    @Option(
            names = "--processes",
            paramLabel = "N",
            description = "Train in so many processes on this machine, each with batches of its own. Default: 1.")
    private int processes = 1;

    @Option(names = "--overwrite", description = "Replace the output file if it exists.")
    private boolean overwrite;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private final int usualSteps;
    private final double usualRate;

    /** @param usualSteps how many there are if nothing is said */
    FineTuningCommand(int usualSteps, double usualRate) {
        this.usualSteps = usualSteps;
        this.usualRate = usualRate;
    }

    abstract TrainingPlan.Method method();

    /** A command of the same kind whose options nobody has set. */
    abstract FineTuningCommand fresh();

    @Override
    public Integer call() throws IOException {
        FineTuningCommand command = config == null ? this : configured(config);
        return command.train(spec.root().commandLine().getParseResult().originalArgs());
    }

    private FineTuningCommand configured(Path file) throws IOException {
        FineTuningCommand command = fresh();
        CommandLine line = new CommandLine(command);
        List<String> arguments = new ArrayList<>(TrainingConfig.arguments(file, spec));
        spec.commandLine().getParseResult().matchedOptionsSet().stream()
                .filter(option -> line.getCommandSpec().findOption(option.longestName()) != null)
                .filter(option -> !option.longestName().equals("--config"))
                .forEach(option ->
                        option.stringValues().forEach(value -> arguments.add(option.longestName() + "=" + value)));
        line.setCaseInsensitiveEnumValuesAllowed(true)
                .setOverwrittenOptionsAllowed(true)
                .setOut(spec.commandLine().getOut())
                .setErr(spec.commandLine().getErr())
                .parseArgs(arguments.toArray(String[]::new));
        return command;
    }

    /** @param arguments what {@code atelier} was called with */
    private int train(List<String> arguments) {
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
                method(),
                data.data(size, folder),
                course.objective(),
                course.course(usualSteps, usualRate),
                new TrainingPlan.Saving(
                        output,
                        folder,
                        precision.dtype(),
                        naming,
                        keepEma,
                        title(output),
                        !confidential,
                        saveEvery,
                        saveStateEvery,
                        samples,
                        sampleEvery));
        PrintWriter out = spec.commandLine().getOut();
        try (TrainingProcesses together = TrainingProcesses.start(processes, arguments);
                TrainingProgress progress =
                        new TrainingProgress(spec.commandLine().getErr())) {
            FineTuning.run(checkpoint, plan, together.workers(), progress);
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
