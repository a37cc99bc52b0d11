package dev.atelier.cli;

import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.training.TrainingPlan;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How long and how fast a training goes. */
final class TrainingCourse {
    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "How often the weights are moved. Default: ${atelier.steps}.")
    private @Nullable Integer steps;

    @Option(names = "--epochs", paramLabel = "N", description = "How often each picture is seen, instead of --steps.")
    private @Nullable Integer epochs;

    @Option(names = "--batch", paramLabel = "N", description = "Pictures at once. Default: 1.")
    private int batch = 1;

    @Option(names = "--accumulate", paramLabel = "N", description = "Batches for one step. Default: 1.")
    private int accumulation = 1;

    @Option(names = "--lr", paramLabel = "RATE", description = "The learning rate. Default: ${atelier.rate}.")
    private @Nullable Double rate;

    @Option(
            names = "--text-lr",
            paramLabel = "RATE",
            description = "The text encoder's learning rate. Default: that of --lr.")
    private @Nullable Double textRate;

    @Option(names = "--warmup", paramLabel = "N", description = "Steps over which the rate rises. Default: 0.")
    private int warmup;

    @Option(
            names = "--max-norm",
            paramLabel = "X",
            description = "Gradients are cut to this norm. Default: 1; 0 for never.")
    private double maxNorm = 1;

    @Option(
            names = "--ema",
            paramLabel = "DECAY",
            description = "Write a moving average of the weights that keeps this much at each step, such as 0.999.")
    private double ema;

    @Option(
            names = "--checkpointing",
            description =
                    "Compute parts of the networks twice instead of keeping them: a third slower, a fraction of the memory.")
    private boolean checkpointing;

    @Option(
            names = "--snr-gamma",
            paramLabel = "X",
            description = "Let steps with little noise count less (min-SNR); 5 is usual. Default: 0, all alike.")
    private double snrGamma;

    @Option(
            names = "--noise-offset",
            paramLabel = "X",
            description =
                    "Noise added to whole channels, so that pictures can become darker and lighter: 0.05 to 0.1. Default: 0.")
    private double noiseOffset;

    @Option(names = "--clip-skip", paramLabel = "N", description = "As in pictures drawn later. Default: 1.")
    private int clipSkip = 1;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
    private long seed;

    TrainingPlan.Course course(int usualSteps, double usualRate) {
        int length = steps != null ? steps : epochs != null ? 0 : usualSteps;
        double speed = rate != null ? rate : usualRate;
        return new TrainingPlan.Course(
                length,
                epochs != null ? epochs : 0,
                batch,
                accumulation,
                speed,
                textRate != null ? textRate : speed,
                warmup,
                OptimizerSettings.DEFAULT,
                maxNorm,
                ema,
                checkpointing,
                seed);
    }

    TrainingPlan.Objective objective() {
        return new TrainingPlan.Objective(snrGamma, noiseOffset, clipSkip);
    }
}
