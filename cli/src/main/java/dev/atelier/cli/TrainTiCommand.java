package dev.atelier.cli;

import dev.atelier.training.TrainingPlan;
import picocli.CommandLine.Command;

@Command(
        name = "ti",
        description = {
            "Teaches a model's text encoder a new word, textual inversion. The result is a file of a few kilobytes.",
            "",
            "Example:",
            "  atelier train ti --model sd-v1-5.safetensors --data cat --word my-cat \\",
            "      --init cat \\",
            "      --prompt \"a photo of my-cat\" -o my-cat.safetensors",
            "",
        },
        abbreviateSynopsis = true,
        sortOptions = false,
        modelTransformer = TrainingOptions.class,
        mixinStandardHelpOptions = true)
final class TrainTiCommand extends FineTuningCommand {
    TrainTiCommand() {
        super(TrainingPlan.Kind.TI);
    }
}
