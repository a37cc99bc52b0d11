package dev.atelier.cli;

import dev.atelier.training.TrainingPlan;
import picocli.CommandLine.Command;

@Command(
        name = "lora",
        description = {
            "Trains a LoRA: a small file that changes a model.",
            "",
            "Example:",
            "  atelier train lora --model sd-v1-5.safetensors --data pictures --steps 1000 \\",
            "      -o style.safetensors",
            "  atelier generate \"a lighthouse\" \\",
            "      --model \"lora(sd-v1-5.safetensors, style.safetensors)\"",
            "",
        },
        abbreviateSynopsis = true,
        sortOptions = false,
        modelTransformer = TrainingOptions.class,
        mixinStandardHelpOptions = true)
final class TrainLoraCommand extends FineTuningCommand {
    TrainLoraCommand() {
        super(TrainingPlan.Kind.LORA);
    }
}
