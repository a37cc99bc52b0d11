package dev.atelier.cli;

import picocli.CommandLine.Command;

@Command(
        name = "lora",
        description = {
            "Makes LoRAs: from what one model learnt on top of another, from several LoRAs, smaller, under other names.",
            "",
            "To add LoRAs to a model, merge or generate with an expression: \"lora(anime, style:0.6)\".",
            "",
        },
        subcommands = {
            LoraExtractCommand.class,
            LoraMergeCommand.class,
            LoraResizeCommand.class,
            LoraConvertCommand.class,
        },
        mixinStandardHelpOptions = true)
final class LoraCommand {}
