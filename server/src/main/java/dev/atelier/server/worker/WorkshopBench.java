package dev.atelier.server.worker;

import dev.atelier.server.job.Bench;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobControl;
import dev.atelier.server.models.ModelLibrary;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Makes models; nothing stays loaded. */
public final class WorkshopBench implements Bench {
    private final ModelWriter writer;

    public WorkshopBench(ModelLibrary library) {
        this.writer = new ModelWriter(library);
    }

    @Override
    public @Nullable String loadedModel() {
        return null;
    }

    @Override
    public JsonNode run(Job job, JobControl control) throws IOException {
        return switch (job.kind()) {
            case MERGE, CONVERT -> writer.run(job, control);
            case GENERATE, TRAIN -> throw new IllegalArgumentException("no bench does %s here".formatted(job.kind()));
        };
    }

    @Override
    public void close() {}
}
