package dev.atelier.server;

import dev.atelier.Engine;
import dev.atelier.server.job.Worker;
import java.nio.file.Path;

/**
 * How a {@link Workplace} is set up.
 *
 * @param models the folder of models
 * @param workers pictures that are drawn at the same time; each worker keeps a model loaded. 0 leaves all to other processes
 */
public record WorkOptions(Storage storage, Path models, int workers, Engine engine, Worker.Pace pace) {

    /** @throws IllegalArgumentException if {@code workers} is negative */
    public WorkOptions {
        if (workers < 0) {
            throw new IllegalArgumentException("there cannot be %d workers".formatted(workers));
        }
    }
}
