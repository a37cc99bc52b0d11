package dev.atelier.cli;

import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.merge.expression.ExpressionException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code atelier} command. */
@Command(
        name = "atelier",
        description = {
            "A workshop for Stable Diffusion checkpoints: inspect, convert, merge, train, generate, serve.",
            "",
            "Start with a picture:",
            "  atelier generate \"a red circle on a blue background\" -o circle.png",
            "What is in a file:",
            "  atelier inspect model.safetensors",
            "70 %% of one model, 30 %% of another:",
            "  atelier merge first.safetensors second.ckpt -m 0.3 -o merged.safetensors",
            "",
        },
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        footer = "%n'atelier help COMMAND' explains a command.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            " 0:done",
            " 1:a failure, such as a full disk",
            " 2:an option or an input file that cannot be used; nothing was written",
            " 3:scan found a file that should not be loaded",
            "130:stopped with Ctrl-C; nothing was left half-written",
        },
        versionProvider = Version.class,
        mixinStandardHelpOptions = true)
public final class Main implements Callable<Integer> {
    static final int BAD_INPUT = 2;
    static final int REFUSED = 3;

    private static final List<Class<?>> COMMANDS = List.of(
            CompletionCommand.class,
            ConvertCommand.class,
            DiffCommand.class,
            ExplainCommand.class,
            ExportCommand.class,
            GenerateCommand.class,
            GridCommand.class,
            HashCommand.class,
            InspectCommand.class,
            KeysCommand.class,
            LoraCommand.class,
            MergeCommand.class,
            MetadataCommand.class,
            ModelsCommand.class,
            RebuildCommand.class,
            ScanCommand.class,
            ServeCommand.class,
            TrainCommand.class,
            UpscaleCommand.class,
            VerifyCommand.class,
            WorkerCommand.class,
            CommandLine.HelpCommand.class);

    @Option(
            names = "--stacktrace",
            scope = ScopeType.INHERIT,
            description = "On an error, say where in the program it happened.")
    private boolean stacktrace;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private Main() {}

    /** Without a command: what there is. */
    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return BAD_INPUT;
    }

    public static void main(String[] arguments) {
        try {
            System.exit(commandLine(arguments).execute(arguments));
        } catch (OutOfMemoryError _) {
            System.err.println("atelier: this needs more memory than the machine has to spare; nothing was written");
            System.exit(1);
        }
    }

    /** Where {@code arguments} begin with a command, the others are left out: reading their options takes a while. */
    static CommandLine commandLine(String... arguments) {
        Main main = new Main();
        CommandLine line = new CommandLine(main);
        List<Class<?>> named = COMMANDS.stream()
                .filter(command -> arguments.length > 0
                        && command.getAnnotation(Command.class).name().equals(arguments[0]))
                .toList();
        boolean speaksOfOthers = named.isEmpty() || named.contains(CommandLine.HelpCommand.class);
        // a command line of its own, because picocli transforms only what it is given whole
        (speaksOfOthers ? COMMANDS : named).forEach(command -> line.addSubcommand(new CommandLine(command)));
        return line.setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((failure, command, parsed) -> main.report(failure, command))
                .setParameterExceptionHandler((mistake, _) -> {
                    CommandLine command = mistake.getCommandLine();
                    command.getErr().println("atelier: " + mistake.getMessage());
                    CommandLine.UnmatchedArgumentException.printSuggestions(mistake, command.getErr());
                    command.getErr()
                            .printf(
                                    "Try '%s --help'.%n",
                                    command.getCommandSpec().qualifiedName());
                    return BAD_INPUT;
                });
    }

    private int report(Exception failure, CommandLine command) {
        Exception shown = failure instanceof UncheckedIOException && failure.getCause() instanceof IOException cause
                ? cause
                : failure;
        command.getErr().println("atelier: " + message(shown));
        if (stacktrace) {
            failure.printStackTrace(command.getErr());
        }
        return isBadInput(shown) ? BAD_INPUT : 1;
    }

    private static boolean isBadInput(Exception failure) {
        return failure instanceof InvalidCheckpointException
                || failure instanceof IllegalArgumentException
                || failure instanceof NoSuchFileException
                || failure instanceof FileNotFoundException
                || failure instanceof AccessDeniedException;
    }

    /** One line: native libraries append their own stack traces to their messages. */
    private static String message(Exception failure) {
        String text = failure.getMessage() == null
                ? ""
                : failure.getMessage().lines().findFirst().orElse("");
        return switch (failure) {
            case NoSuchFileException missing -> "%s: there is no such file".formatted(missing.getFile());
            case AccessDeniedException denied -> "%s: permission denied".formatted(denied.getFile());
            case ExpressionException shownWithItsPlace -> String.valueOf(shownWithItsPlace.getMessage());
            case InvalidCheckpointException _, IllegalArgumentException _, IOException _, CancellationException _ ->
                text;
            default -> "%s (%s)".formatted(text, failure.getClass().getSimpleName());
        };
    }

    /** @throws IllegalArgumentException if {@code file} exists and may not be replaced */
    static void requireNew(Path file, boolean overwrite) {
        if (!overwrite && Files.exists(file)) {
            throw new IllegalArgumentException("%s exists already; --overwrite replaces it".formatted(file));
        }
    }
}
