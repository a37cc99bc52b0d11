package dev.atelier.server.worker;

import dev.atelier.server.job.Bench;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobControl;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.store.ObjectStore;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Makes models; nothing stays loaded. */
public final class WorkshopBench implements Bench {
    private final ModelWriter writer;
    private final ModelTrainer trainer;

    /** @param trainings the folder for the state of trainings */
    public WorkshopBench(ModelLibrary library, ObjectStore store, Path trainings) {
        this.writer = new ModelWriter(library);
        this.trainer = new ModelTrainer(library, store, trainings);
    }

    @Override
    public @Nullable String loadedModel() {
        return null;
    }

    @Override
    public JsonNode run(Job job, JobControl control) throws IOException {
        return switch (job.kind()) {
            case MERGE, CONVERT -> writer.run(job, control);
            case TRAIN -> trainer.run(job, control);
            case GENERATE, UPSCALE -> throw new IllegalArgumentException("no bench does %s here".formatted(job.kind()));
        };
    }

    @Override
    public void close() {}
}
