package dev.atelier.cli;

import dev.atelier.training.TrainingPlan;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "finetune",
        description = {
            "Trains all weights of a UNet on pictures with captions.",
            "",
            "Example:",
            "  atelier train finetune --model sd-v1-5.safetensors --data pictures \\",
            "      --epochs 10 --batch 4 \\",
            "      --ema 0.9999 -o tuned.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class TrainFinetuneCommand extends FineTuningCommand {
    @Option(names = "--text-encoder", description = "Train the text encoder as well.")
    private boolean textEncoder;

    TrainFinetuneCommand() {
        super(2000, 1e-5);
    }

    @Override
    TrainingPlan.Method method() {
        return new TrainingPlan.Weights(textEncoder);
    }

    @Override
    FineTuningCommand fresh() {
        return new TrainFinetuneCommand();
    }
}
