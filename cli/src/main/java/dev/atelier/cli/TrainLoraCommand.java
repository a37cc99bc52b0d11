package dev.atelier.cli;

import dev.atelier.training.TrainingPlan;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

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
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class TrainLoraCommand extends FineTuningCommand {
    @Option(names = "--rank", paramLabel = "N", description = "The size of the LoRA: 4 to 128. Default: 16.")
    private int rank = 16;

    @Option(
            names = "--alpha",
            paramLabel = "X",
            description = "The LoRA counts alpha / rank. Default: the rank, so that it counts fully.")
    private @Nullable Double alpha;

    @Option(
            names = "--conv-rank",
            paramLabel = "N",
            description = "Change convolutions too (LoCon), at this rank. Default: 0, do not.")
    private int convolutionRank;

    @Option(
            names = "--attention-only",
            description = "Change only the four projections of each attention, as diffusers' scripts do.")
    private boolean attentionOnly;

    @Option(names = "--unet-only", description = "Leave the text encoder alone.")
    private boolean unetOnly;

    @Option(
            names = "--lora-dropout",
            paramLabel = "SHARE",
            description = "How often a number within the LoRA is left out of a step. Default: 0.")
    private double dropout;

    TrainLoraCommand() {
        super(1000, 1e-4);
    }

    @Override
    TrainingPlan.Method method() {
        return new TrainingPlan.Lora(
                rank, alpha != null ? alpha : rank, convolutionRank, attentionOnly, !unetOnly, dropout);
    }

    @Override
    FineTuningCommand fresh() {
        return new TrainLoraCommand();
    }
}
