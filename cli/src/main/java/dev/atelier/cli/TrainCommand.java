package dev.atelier.cli;

import picocli.CommandLine.Command;

@Command(
        name = "train",
        description = {
            "Trains models, on the processor.",
            "",
            "A style, from pictures with captions in text files beside them:",
            "  atelier train lora --data pictures -o style.safetensors",
            "  atelier generate \"a lighthouse\" --model \"lora(MODEL, style.safetensors:0.8)\"",
            "",
            "A subject, from a handful of pictures, and its kind kept apart from it:",
            "  atelier train dreambooth --data dog --prompt \"a photo of sks dog\" \\",
            "      --class-prompt \"a photo of a dog\" -o sks-dog.safetensors",
            "",
            "A new word, which is a file of a few kilobytes:",
            "  atelier train ti --data cat --word my-cat --init cat --template object \\",
            "      -o my-cat.safetensors",
            "",
            "All of a model, with averaged weights:",
            "  atelier train finetune --data pictures --epochs 10 --ema 0.9999 \\",
            "      -o tuned.safetensors",
            "",
            "Each starts from --model, or from the built-in model. A training can be stopped with Ctrl-C and goes on where"
                    + " it was when the same command is given again.",
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
