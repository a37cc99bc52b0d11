package dev.atelier.engine.torch;

import org.jspecify.annotations.Nullable;

/**
 * How a training is computed.
 *
 * @param checkpointing whether to keep of each part of the networks only its result, and run it again for its gradients: a third
 *     more work in a fraction of the memory
 * @param average whether a moving average of what is trained is kept
 * @param dropout what of LoRAs is left out of a step
 * @param precision of the networks' inner values
 * @param workers the processes that train together; null for this one alone
 */
public record TrainerOptions(
        boolean checkpointing,
        boolean average,
        LoraDropout dropout,
        Precision precision,
        @Nullable WorkerGroup workers) {
    /** All in memory, with averages, nothing left out. */
    public static final TrainerOptions DEFAULT = new TrainerOptions(false, true);

    /** In full precision, alone, nothing left out. */
    public TrainerOptions(boolean checkpointing, boolean average) {
        this(checkpointing, average, LoraDropout.NONE, Precision.FULL, null);
    }
}
