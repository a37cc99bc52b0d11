package dev.atelier.server;

import dev.atelier.server.job.Job;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.novita.NovitaApi;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.server.worker.JobFiles;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Now and then throws away what is older than it is to be kept: finished jobs, and their files before them. */
final class Sweeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Sweeper.class);
    private static final Duration INTERVAL = Duration.ofMinutes(10);
    private static final int BATCH = 100;

    private final Jobs jobs;
    private final ObjectStore store;
    private final Ledger ledger;
    private final NovitaApi novita;
    private final Duration keep;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("sweeper").factory());

    /** @param keep how long after its end a job is kept */
    Sweeper(Jobs jobs, ObjectStore store, Ledger ledger, NovitaApi novita, Duration keep) {
        this.jobs = jobs;
        this.store = store;
        this.ledger = ledger;
        this.novita = novita;
        this.keep = keep;
    }

    Sweeper start() {
        var _ = timer.scheduleWithFixedDelay(this::trySweep, 0, INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
        return this;
    }

    private void trySweep() {
        try {
            int forgotten = sweep(Instant.now().minus(keep));
            if (forgotten > 0) {
                LOG.info("{} jobs are older than {} days, and forgotten", forgotten, keep.toDays());
            }
        } catch (IOException | RuntimeException e) {
            LOG.warn("old jobs could not be forgotten; the next try is in {} minutes", INTERVAL.toMinutes(), e);
        }
    }

    /** @return how many jobs are forgotten */
    int sweep(Instant before) throws IOException {
        ledger.settle(); // which looks at jobs
        int forgotten = 0;
        List<Job> old;
        do {
            old = jobs.finishedBefore(before, BATCH);
            for (Job job : old) {
                for (String key : JobFiles.of(job)) {
                    store.delete(key);
                }
                jobs.forget(job);
                forgotten++;
            }
        } while (old.size() == BATCH);
        novita.forgetBefore(before);
        return forgotten;
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
