package dev.atelier.server.job;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.logging.LogLevel;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.RecurringTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.github.kagkarlsson.scheduler.task.schedule.FixedDelay;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.server.db.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import tools.jackson.databind.JsonNode;

/** Runs the jobs of one lane, one for each bench at a time. Workers of other processes may serve the same lane. */
public final class Worker implements AutoCloseable, Taker {
    /** When a job is given up whose workers died of it. */
    static final int MAX_ATTEMPTS = 3;

    private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

    // ONNX Runtime walks through a network by recursion, and needs more than the JVM's megabyte for it
    private static final long STACK_BYTES = 64L << 20;

    /**
     * How patient a worker is.
     *
     * @param poll how soon a job is seen that another process has queued
     * @param heartbeat how often it says that it lives; after four silent ones its jobs go to another
     * @param drain how long a running job may go on when the worker closes; then it is queued again
     */
    public record Pace(Duration poll, Duration heartbeat, Duration drain) {
        public static final Pace STANDARD =
                new Pace(Duration.ofSeconds(1), Duration.ofSeconds(3), Duration.ofSeconds(20));
    }

    private static final int MISSED_HEARTBEATS = 4;

    private static final class BusyException extends RuntimeException {}

    private final Jobs jobs;
    private final Lane lane;
    private final String name;
    private final List<Bench> benches;
    private final BlockingQueue<Bench> free;
    private final Pace pace;
    private final Scheduler scheduler;
    private final ExecutorService direct;
    private final ScheduledExecutorService timer;
    private final Set<Bench> toUnload = ConcurrentHashMap.newKeySet();
    /** The tickets in whose name benches work, and whether each has its row. */
    private final Map<String, Boolean> leases = new ConcurrentHashMap<>();

    private Worker(Database database, Jobs jobs, Lane lane, String name, List<Bench> benches, Pace pace) {
        this.jobs = jobs;
        this.lane = lane;
        this.name = name;
        this.benches = List.copyOf(benches);
        this.free = new ArrayBlockingQueue<>(benches.size(), false, benches);
        this.pace = pace;
        this.direct = Executors.newFixedThreadPool(benches.size(), threads(lane, "-direct-"));
        this.timer = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("leases").factory());
        OneTimeTask<Void> ticket = Tasks.oneTime(Jobs.TASK)
                .onFailure((complete, operations) -> operations.reschedule(
                        complete,
                        complete.getCause()
                                        .filter(BusyException.class::isInstance)
                                        .isPresent()
                                ? Instant.now().plus(pace.poll().multipliedBy(2))
                                : Instant.now()))
                .execute((instance, _) -> redeem(instance));
        RecurringTask<Void> audit = Tasks.recurring("audit", FixedDelay.of(lease()))
                .execute((_, _) -> jobs.issueMissingTickets(lane, lease()));
        this.scheduler = Scheduler.create(database.source(), ticket)
                .tableName(lane.table())
                .startTasks(audit)
                .schedulerName(new SchedulerName.Fixed(name))
                .threads(benches.size())
                .executorService(Executors.newFixedThreadPool(benches.size(), threads(lane, "-")))
                .pollingInterval(pace.poll())
                .heartbeatInterval(pace.heartbeat())
                .missedHeartbeatsLimit(MISSED_HEARTBEATS)
                .shutdownMaxWait(pace.drain())
                .failureLogging(LogLevel.OFF, false)
                .build();
    }

    private static ThreadFactory threads(Lane lane, String suffix) {
        return Thread.ofPlatform()
                .name(lane.name().toLowerCase(Locale.ROOT) + suffix, 0)
                .stackSize(STACK_BYTES)
                .factory();
    }

    /**
     * Begins to work.
     *
     * @param benches are closed with the worker
     */
    public static Worker start(Database database, Jobs jobs, Lane lane, List<Bench> benches, Pace pace) {
        Worker worker = new Worker(database, jobs, lane, name(), benches, pace);
        jobs.issueMissingTickets(lane, worker.lease());
        worker.scheduler.start();
        var _ = worker.timer.scheduleWithFixedDelay(
                worker::renewLeases,
                pace.heartbeat().toMillis(),
                pace.heartbeat().toMillis(),
                TimeUnit.MILLISECONDS);
        jobs.add(worker);
        return worker;
    }

    /** Unique among all workers. */
    private static String name() {
        return "%d-%s".formatted(ProcessHandle.current().pid(), UUID.randomUUID());
    }

    @Override
    public Lane lane() {
        return lane;
    }

    @Override
    public void wake() {
        scheduler.triggerCheckForDueExecutions();
    }

    @Override
    public Duration lease() {
        return pace.heartbeat().multipliedBy(MISSED_HEARTBEATS);
    }

    @Override
    public Optional<Place> reserve() {
        return Optional.ofNullable(free.poll()).map(ReservedBench::new);
    }

    private final class ReservedBench implements Place {
        private final Bench bench;

        ReservedBench(Bench bench) {
            this.bench = bench;
        }

        @Override
        public String worker() {
            return name;
        }

        @Override
        public void run(Job begun) {
            leases.put(begun.id(), false);
            try {
                direct.execute(() -> serve(bench, begun.id(), begun));
            } catch (RejectedExecutionException _) {
                requeue(begun);
                refuse(begun.id());
            }
        }

        @Override
        public void take(String ticket) {
            leases.put(ticket, true);
            try {
                direct.execute(() -> serve(bench, ticket, null));
            } catch (RejectedExecutionException _) {
                refuse(ticket);
            }
        }

        /** This worker shuts down. */
        private void refuse(String ticket) {
            leases.remove(ticket);
            release();
            jobs.postponeTicket(lane, ticket, Instant.now());
        }

        @Override
        public void release() {
            giveBack(bench);
        }
    }

    /**
     * One job after the other, while there are any; the ticket is good for all of them.
     *
     * @param begun the first of them, if it has begun
     */
    private void serve(Bench bench, String ticket, @Nullable Job begun) {
        try {
            Optional<Job> job = begun == null ? claim(ticket, bench) : Optional.of(begun);
            while (job.isPresent()) {
                run(job.get(), bench);
                job = claim(ticket, bench);
            }
            if (Boolean.TRUE.equals(leases.remove(ticket))) {
                jobs.cancelTicket(lane, ticket);
            }
        } catch (JobControl.ShutdownException _) {
            leases.remove(ticket);
            jobs.postponeTicket(lane, ticket, Instant.now());
        } catch (RuntimeException e) {
            leases.remove(ticket); // which lets others have it, after a while
            LOG.error("the database could not be reached; what ran will be run again", e);
        } finally {
            giveBack(bench);
        }
    }

    /** Frees what benches have loaded: those that are idle now, the others after their jobs. */
    public void unload() {
        toUnload.addAll(benches);
        for (int i = 0; i < benches.size(); i++) {
            Bench bench = free.poll();
            if (bench != null) {
                giveBack(bench);
            }
        }
    }

    private void giveBack(Bench bench) {
        if (toUnload.remove(bench)) {
            bench.unload();
        }
        free.add(bench);
    }

    private Optional<Job> claim(String ticket, Bench bench) {
        if (direct.isShutdown()) {
            return Optional.empty();
        }
        return jobs.table().claim(lane, bench.loadedModel(), ticket, name, Instant.now());
    }

    private void renewLeases() {
        for (String ticket : Set.copyOf(leases.keySet())) {
            try {
                jobs.postponeTicket(lane, ticket, Instant.now().plus(lease()));
                leases.replace(ticket, true);
            } catch (RuntimeException e) {
                LOG.warn("the database could not be told that this worker lives", e);
            }
        }
    }

    /** Waits a little for a free bench; if there is none, the ticket goes back, and other processes may have it. */
    private void redeem(TaskInstance<Void> ticket) {
        Bench bench;
        try {
            bench = free.poll(pace.poll().toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("shut down before it began", e);
        }
        if (bench == null) {
            throw new BusyException();
        }
        try {
            next(ticket.getId(), bench.loadedModel()).ifPresent(job -> run(job, bench));
        } finally {
            giveBack(bench);
        }
    }

    private Optional<Job> next(String ticket, @Nullable String loadedModel) {
        Optional<Job> orphan = jobs.table().heldBy(ticket);
        if (orphan.isEmpty()) {
            return jobs.table().claim(lane, loadedModel, ticket, name, Instant.now());
        }
        Job job = orphan.get();
        if (job.attempt() >= MAX_ATTEMPTS) {
            LOG.error("job {} is given up: {} workers died while they ran it", job.id(), job.attempt());
            String error = "%d workers died while they ran this job".formatted(job.attempt());
            jobs.finish(job, JobState.FAILED, null, error);
            return Optional.empty();
        }
        LOG.warn("job {} is started again: worker {} is gone", job.id(), job.worker());
        return jobs.table().retry(job, name, Instant.now());
    }

    private void run(Job job, Bench bench) {
        long start = System.nanoTime();
        MDC.put("job", job.id());
        try {
            jobs.announce();
            LOG.info("{} begins for {}, attempt {}", job.kind(), job.owner(), job.attempt());
            JsonNode result = bench.run(job, new JobControl(jobs, job));
            finish(job, JobState.SUCCEEDED, result, null, start);
        } catch (JobControl.ShutdownException shutdown) {
            requeue(job);
            throw shutdown; // db-scheduler keeps the ticket of a job that fails
        } catch (JobControl.TakenOverException _) {
            LOG.warn("{} is left to the worker that has taken it over", job.kind());
        } catch (CancellationException _) {
            finish(job, JobState.CANCELLED, null, null, start);
        } catch (Throwable e) {
            // while the JVM ends, native libraries cannot be loaded any more, or have already been told so
            if (Thread.interrupted() || isJvmEnding()) {
                requeue(job);
                throw new JobControl.ShutdownException();
            }
            if (e instanceof IllegalArgumentException || e instanceof InvalidCheckpointException) {
                LOG.info("{} failed: {}", job.kind(), sentence(e)); // its request or its model is to blame
            } else {
                LOG.error("{} failed", job.kind(), e);
            }
            finish(job, JobState.FAILED, null, sentence(e), start);
        } finally {
            MDC.remove("job");
        }
    }

    private static boolean isJvmEnding() {
        try {
            Runtime.getRuntime().removeShutdownHook(new Thread()); // which says so, and does nothing else
            return false;
        } catch (IllegalStateException _) {
            return true;
        }
    }

    private void requeue(Job job) {
        Thread.interrupted(); // or the database could not be reached
        if (jobs.table().requeue(job)) {
            jobs.announce();
            LOG.info("{} goes back to the queue, because this worker shuts down", job.kind());
        }
    }

    private void finish(Job job, JobState state, @Nullable JsonNode result, @Nullable String error, long start) {
        boolean ours = jobs.finish(job, state, result, error);
        long millis = (System.nanoTime() - start) / 1_000_000;
        if (ours) {
            LOG.info("{} {} after {} ms", job.kind(), state, millis);
        } else {
            LOG.warn("{} took {} ms for nothing: another worker has taken it over", job.kind(), millis);
        }
    }

    private static String sentence(Throwable e) {
        String message =
                e.getMessage() == null ? "" : e.getMessage().lines().findFirst().orElse("");
        return message.isBlank() ? e.getClass().getSimpleName() : message;
    }

    /** Takes no new job, waits for the running ones as long as the pace allows, and queues the others again. */
    @Override
    public void close() {
        jobs.remove(this);
        direct.shutdown();
        long end = System.nanoTime() + pace.drain().toNanos();
        scheduler.stop();
        try {
            if (!direct.awaitTermination(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                direct.shutdownNow();
                var _ = direct.awaitTermination(pace.drain().toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException _) {
            direct.shutdownNow();
            Thread.currentThread().interrupt();
        }
        timer.shutdownNow();
        benches.forEach(Bench::close);
    }
}
