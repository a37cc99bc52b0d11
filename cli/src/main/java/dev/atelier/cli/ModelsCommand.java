package dev.atelier.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "models",
        description = {
            "Keeps track of the models on your disks: which there are, what each of them is, and where.",
            "",
            "A scan looks at each file once and then only at what has changed. Files that were moved keep their hashes.",
            "",
            "Examples:",
            "  atelier models scan ~/models /mnt/archive",
            "  atelier models list --kind lora --sort size",
            "  atelier models find anime xl",
            "  atelier models show 6ce0161689",
            "  atelier models dupes",
            "",
        },
        subcommands = {
            ModelsScanCommand.class,
            ModelsListCommand.class,
            ModelsFindCommand.class,
            ModelsShowCommand.class,
            ModelsDupesCommand.class,
            ModelsForgetCommand.class,
        },
        synopsisSubcommandLabel = "COMMAND",
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ModelsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return Main.BAD_INPUT;
    }
}
