package dev.atelier.cli;

import dev.atelier.training.TrainingPlan;
import picocli.CommandLine.Command;

@Command(
        name = "dreambooth",
        description = {
            "Teaches a model a subject from a handful of pictures, under a name that means nothing yet.",
            "",
            "Example:",
            "  atelier train dreambooth --model sd-v1-5.safetensors --data dog \\",
            "      --prompt \"a photo of sks dog\" \\",
            "      --class-prompt \"a photo of a dog\" --class-images 200 --steps 800 \\",
            "      -o sks-dog.safetensors",
            "",
        },
        abbreviateSynopsis = true,
        sortOptions = false,
        modelTransformer = TrainingOptions.class,
        mixinStandardHelpOptions = true)
final class TrainDreamboothCommand extends FineTuningCommand {
    TrainDreamboothCommand() {
        super(TrainingPlan.Kind.DREAMBOOTH);
    }
}
