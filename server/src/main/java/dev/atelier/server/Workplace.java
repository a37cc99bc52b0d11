package dev.atelier.server;

import dev.atelier.server.db.Database;
import dev.atelier.server.job.Bench;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.Lane;
import dev.atelier.server.job.Worker;
import dev.atelier.server.metric.Metrics;
import dev.atelier.server.metric.TimedBench;
import dev.atelier.server.models.FolderShelf;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.server.worker.GenerateBench;
import dev.atelier.server.worker.TrainingFolders;
import dev.atelier.server.worker.WorkshopBench;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Queue, results and models, and workers that empty the queue. A server has one; without a server it is a worker process, which
 * does the jobs that servers of the same {@link Storage} queue.
 */
public final class Workplace implements AutoCloseable {
    private final Parts open = new Parts();
    private final Database database;
    private final ObjectStore store;
    private final Jobs jobs;
    private final ModelLibrary library;
    private final Metrics metrics;
    private @Nullable Worker drawing;

    /** @param queue how many jobs may wait */
    Workplace(WorkOptions options, int queue) {
        try {
            database = open.add(options.storage().openDatabase());
            store = open.add(options.storage().openStore());
            jobs = new Jobs(database, queue);
            metrics = open.add(new Metrics());
            metrics.watch(jobs);
            library = open.add(library(options));
            if (options.workers() > 0) {
                open.add(Worker.start(database, jobs, Lane.WORKSHOP, List.of(workshop(options)), options.pace()));
                drawing = open.add(Worker.start(database, jobs, Lane.GENERATE, benches(options), options.pace()));
            }
        } catch (Throwable e) {
            open.close();
            throw e;
        }
    }

    /**
     * Begins to work, without a server.
     *
     * @throws IllegalArgumentException if there are to be no workers
     */
    public static Workplace start(WorkOptions options) {
        if (options.workers() == 0) {
            throw new IllegalArgumentException("a worker process needs at least one worker");
        }
        return new Workplace(options, Integer.MAX_VALUE);
    }

    private static ModelLibrary library(WorkOptions options) {
        Path data = options.storage().data();
        Path builtIn = data.resolve("demo");
        return new ModelLibrary(
                new FolderShelf(options.models(), builtIn), options.models(), builtIn, data.resolve("catalog.db"));
    }

    /** One is enough: merging, converting and training use all cores. */
    private Bench workshop(WorkOptions options) {
        Path trainings = options.storage().data().resolve("training");
        TrainingFolders.tidy(
                trainings,
                id -> jobs.find(id).filter(job -> !job.state().isFinal()).isPresent());
        return new TimedBench(new WorkshopBench(library, store, trainings), metrics);
    }

    private List<Bench> benches(WorkOptions options) {
        return IntStream.range(0, options.workers())
                .<Bench>mapToObj(
                        _ -> new TimedBench(new GenerateBench(library.shelf(), store, options.modelOptions()), metrics))
                .toList();
    }

    /** Frees the models that workers of this process have loaded; those that draw do so when they are done. */
    void unload() {
        if (drawing != null) {
            drawing.unload();
        }
    }

    Database database() {
        return database;
    }

    ObjectStore store() {
        return store;
    }

    Jobs jobs() {
        return jobs;
    }

    ModelLibrary library() {
        return library;
    }

    Metrics metrics() {
        return metrics;
    }

    /** Finishes what runs or queues it again, and lets go of database and store. */
    @Override
    public void close() {
        open.close();
    }
}
