package dev.atelier.cli;

import picocli.CommandLine.Command;

@Command(
        name = "train",
        description = {
            "Trains models, on the processor.",
            "",
            "A training can be stopped with Ctrl-C and goes on where it was when the same command is given again.",
            "",
        },
        subcommands = {
            TrainDreamboothCommand.class,
            TrainLoraCommand.class,
            TrainTiCommand.class,
            TrainFinetuneCommand.class,
            TrainScratchCommand.class,
            TrainExamineCommand.class,
        },
        mixinStandardHelpOptions = true)
final class TrainCommand {}
