package dev.atelier.cli;

import dev.atelier.training.TrainingPlan;
import picocli.CommandLine.Command;

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
        abbreviateSynopsis = true,
        sortOptions = false,
        modelTransformer = TrainingOptions.class,
        mixinStandardHelpOptions = true)
final class TrainFinetuneCommand extends FineTuningCommand {
    TrainFinetuneCommand() {
        super(TrainingPlan.Kind.FINETUNE);
    }
}
