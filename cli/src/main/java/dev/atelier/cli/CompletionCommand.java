package dev.atelier.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "completion",
        description = {
            "Prints a script by which bash and zsh complete commands, options and their values.",
            "",
            "Examples:",
            "  source <(atelier completion)",
            "  atelier completion > ~/.local/share/bash-completion/completions/atelier",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class CompletionCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        out.print(AutoComplete.bash("atelier", Main.commandLine()));
        out.flush();
        return 0;
    }
}
