package dev.atelier.server.metric;

import dev.atelier.server.job.Bench;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobControl;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A bench whose jobs are timed. */
public record TimedBench(Bench bench, Metrics metrics) implements Bench {
    @Override
    public @Nullable String loadedModel() {
        return bench.loadedModel();
    }

    @Override
    public JsonNode run(Job job, JobControl control) throws Exception {
        long start = System.nanoTime();
        String outcome = "failed";
        try {
            JsonNode result = bench.run(job, control);
            outcome = "succeeded";
            return result;
        } catch (CancellationException e) {
            outcome = "cancelled";
            throw e;
        } finally {
            metrics.job(
                    job.kind().name().toLowerCase(Locale.ROOT), outcome, Duration.ofNanos(System.nanoTime() - start));
        }
    }

    @Override
    public void unload() {
        bench.unload();
    }

    @Override
    public void close() {
        bench.close();
    }
}
