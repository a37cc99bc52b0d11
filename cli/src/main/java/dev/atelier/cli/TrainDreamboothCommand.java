package dev.atelier.cli;

import dev.atelier.training.TrainingPlan;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

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
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class TrainDreamboothCommand extends FineTuningCommand {
    @Option(names = "--text-encoder", description = "Train the text encoder as well. Faces gain most from it.")
    private boolean textEncoder;

    TrainDreamboothCommand() {
        super(800, 5e-6);
    }

    @Override
    TrainingPlan.Method method() {
        return new TrainingPlan.Weights(textEncoder);
    }

    @Override
    FineTuningCommand fresh() {
        return new TrainDreamboothCommand();
    }
}
