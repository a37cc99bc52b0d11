package dev.atelier.server;

import dev.atelier.Engine;
import dev.atelier.ModelOptions;
import dev.atelier.engine.torch.TorchSettings;
import dev.atelier.server.job.Worker;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link Workplace} is set up.
 *
 * @param models the folder of models
 * @param workers pictures that are drawn at the same time; each worker keeps a model loaded. 0 leaves all to other processes
 * @param torch where and in which precision libtorch computes; null for its standard
 */
public record WorkOptions(
        Storage storage,
        Path models,
        int workers,
        Engine engine,
        @Nullable TorchSettings torch,
        Worker.Pace pace) {

    /** With the engine's own settings. */
    public WorkOptions(Storage storage, Path models, int workers, Engine engine, Worker.Pace pace) {
        this(storage, models, workers, engine, null, pace);
    }

    /** @throws IllegalArgumentException if {@code workers} is negative */
    public WorkOptions {
        if (workers < 0) {
            throw new IllegalArgumentException("there cannot be %d workers".formatted(workers));
        }
    }

    ModelOptions modelOptions() {
        return torch == null ? ModelOptions.DEFAULT.engine(engine) : ModelOptions.DEFAULT.torch(torch);
    }
}
