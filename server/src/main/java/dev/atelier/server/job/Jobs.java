package dev.atelier.server.job;

import com.github.kagkarlsson.scheduler.SchedulerClient;
import com.github.kagkarlsson.scheduler.exceptions.TaskInstanceCurrentlyExecutingException;
import com.github.kagkarlsson.scheduler.exceptions.TaskInstanceNotFoundException;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.TaskInstanceId;
import dev.atelier.server.db.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The queue of jobs, shared by everybody who opens the same {@link Database}. Thread-safe.
 *
 * <p>Every job comes with a ticket, a row of db-scheduler's. A worker that gets hold of a ticket runs one job, whichever's
 * turn it is; who dies with a ticket in hand loses it to another worker after a few missed heartbeats, together with the job.
 * Where a worker of this process is free, it begins at once. Then the ticket is issued when the work lasts longer than a
 * heartbeat, and hidden from the others for as long as it goes on; it comes to light when the process dies.
 */
public final class Jobs {
    /** Whoever needs no key. */
    public static final String LOCAL = "local";

    static final String TASK = "job";

    // a change that another process makes is not announced here
    private static final Duration GLANCE = Duration.ofMillis(250);

    private final JobTable table;
    private final int limit;
    private final Changes changes = new Changes();
    private final Ends ends = new Ends();
    private final Map<Lane, SchedulerClient> tickets;
    private final List<Taker> takers = new CopyOnWriteArrayList<>();

    /** @param limit how many jobs may wait, over all owners */
    public Jobs(Database database, int limit) {
        this.table = new JobTable(database.jdbi());
        this.limit = limit;
        this.tickets = Arrays.stream(Lane.values())
                .collect(Collectors.toMap(
                        Function.identity(),
                        lane -> SchedulerClient.Builder.create(database.source())
                                .tableName(lane.table())
                                .build(),
                        (a, _) -> a,
                        () -> new EnumMap<>(Lane.class)));
    }

    /**
     * Queues a job. When this returns, the job survives the death of this process.
     *
     * @param model the model it needs loaded, or null
     * @throws QueueFullException if too many wait
     */
    public Job submit(JobKind kind, String owner, @Nullable String model, JsonNode request) {
        Instant now = Instant.ofEpochMilli(System.currentTimeMillis());
        Job job = new Job(
                JobId.next(now),
                kind,
                JobState.QUEUED,
                owner,
                model,
                request,
                null,
                null,
                null,
                0,
                null,
                now,
                null,
                null);
        List<Taker> workers =
                takers.stream().filter(taker -> taker.lane() == kind.lane()).toList();
        for (Taker worker : workers) {
            Optional<Taker.Place> place = worker.reserve();
            if (place.isPresent()) {
                return submit(job, place.get(), worker.lease());
            }
        }
        queue(job, now);
        workers.forEach(Taker::wake);
        announce();
        return job;
    }

    /** To a bench, which runs another where that one's turn comes first. */
    private Job submit(Job job, Taker.Place place, Duration lease) {
        Job begun = job.begun(place.worker(), job.createdAt());
        boolean hasBegun;
        try {
            hasBegun = table.begin(begun);
            if (!hasBegun) {
                queue(job, job.createdAt().plus(lease));
            }
        } catch (RuntimeException e) {
            place.release();
            throw e;
        }
        if (hasBegun) {
            place.run(begun);
        } else {
            place.take(job.id());
        }
        announce();
        return hasBegun ? begun : job;
    }

    private void queue(Job job, Instant due) {
        if (!table.insert(job, limit)) {
            throw new QueueFullException(table.count(JobState.QUEUED, null));
        }
        issueTicket(job.kind().lane(), job.id(), due);
    }

    private void issueTicket(Lane lane, String id, Instant due) {
        ticketsOf(lane).scheduleIfNotExists(new TaskInstance<>(TASK, id), due);
    }

    /** Hides a ticket from the workers until then; one that was never issued, or is gone, is. */
    void postponeTicket(Lane lane, String id, Instant due) {
        try {
            ticketsOf(lane).reschedule(TaskInstanceId.of(TASK, id), due);
        } catch (TaskInstanceNotFoundException _) {
            issueTicket(lane, id, due);
        } catch (TaskInstanceCurrentlyExecutingException _) {
            // somebody else has it: it is theirs now
        }
    }

    void cancelTicket(Lane lane, String id) {
        try {
            ticketsOf(lane).cancel(TaskInstanceId.of(TASK, id));
        } catch (TaskInstanceNotFoundException | TaskInstanceCurrentlyExecutingException _) {
            // somebody else has it, and will find nothing to do
        }
    }

    private SchedulerClient ticketsOf(Lane lane) {
        SchedulerClient client = tickets.get(lane);
        if (client == null) {
            throw new IllegalStateException("no tickets for " + lane);
        }
        return client;
    }

    /**
     * A process may die between the two rows of {@link #submit}, or with a job in hand that was too young for a ticket. A
     * ticket too many finds nothing to do and goes.
     *
     * @param lease how long workers may be silent
     */
    void issueMissingTickets(Lane lane, Duration lease) {
        Instant now = Instant.now();
        table.queuedIds(lane).forEach(id -> issueTicket(lane, id, now));
        table.heldTickets(lane).forEach(id -> issueTicket(lane, id, now.plus(lease)));
    }

    public Optional<Job> find(String id) {
        return table.find(id);
    }

    /**
     * Jobs, the newest first.
     *
     * @param owner null for everybody's
     * @param state null for any
     * @param before the id of a job, to go on where another list ended; or null
     */
    public List<Job> list(@Nullable String owner, @Nullable JobState state, @Nullable String before, int limit) {
        return table.list(owner, null, state, before, limit);
    }

    /** As {@link #list(String, JobState, String, int)}, of one kind of job. */
    public List<Job> list(
            @Nullable String owner, JobKind kind, @Nullable JobState state, @Nullable String before, int limit) {
        return table.list(owner, kind, state, before, limit);
    }

    /** What an owner's jobs that are not finished are doing, the earliest first, at most {@code limit} of them. */
    public List<ActiveJob> active(String owner, int limit) {
        return table.active(owner, limit);
    }

    /** What runs in a lane, the earliest first. */
    public List<Job> running(Lane lane) {
        return table.running(lane);
    }

    /** How many jobs of a lane are in this state. */
    public int count(Lane lane, JobState state) {
        return table.count(state, lane);
    }

    /** How many of its lane were queued before it and still are. */
    public int position(Job job) {
        return table.position(job);
    }

    public JobProgress progress(String id) {
        return table.progress(id);
    }

    /** What the result looks like so far, a PNG file. */
    public Optional<byte[]> preview(String id) {
        return table.preview(id);
    }

    /**
     * Asks something of a job. One that is queued can only be cancelled, and is at once; a finished one stays as it is.
     *
     * @return whether it made a difference
     */
    public boolean wish(String id, Wish wish) {
        boolean cancelled = wish == Wish.CANCEL && table.cancelQueued(id, Instant.now());
        if (!cancelled) {
            table.wish(id, wish);
        }
        Optional<Job> job = find(id);
        if (cancelled) {
            job.ifPresent(ends::happen);
        }
        announce();
        return cancelled || job.filter(now -> now.state() == JobState.RUNNING).isPresent();
    }

    /**
     * Waits until a job is finished.
     *
     * @return the job as it is then, or as it is after {@code longest}; empty if there is none of that name
     */
    public Optional<Job> await(String id, Duration longest) throws InterruptedException {
        long end = System.nanoTime() + longest.toNanos();
        try (Ends.Wait wait = ends.wait(id)) {
            while (true) {
                Optional<Job> job = find(id);
                long left = end - System.nanoTime();
                if (job.isEmpty() || job.get().state().isFinal() || left <= 0) {
                    return job;
                }
                Optional<Job> ended = wait.await(Duration.ofNanos(Math.min(GLANCE.toNanos(), left)));
                if (ended.isPresent()) {
                    return ended;
                }
            }
        }
    }

    /** How many changes there have been that {@link #awaitChange} waits for. */
    public long changes() {
        return changes.count();
    }

    /** Returns when a job may have changed since {@link #changes} was {@code seen}: at once, or after a quarter second. */
    public void awaitChange(long seen) throws InterruptedException {
        changes.await(seen, GLANCE);
    }

    /** Jobs that were finished before {@code time}, the first of them first. */
    public List<Job> finishedBefore(Instant time, int limit) {
        return table.finishedBefore(time, limit);
    }

    /** Deletes a job that is finished; its files are the caller's. */
    public void forget(Job job) {
        table.delete(job.id());
    }

    void add(Taker taker) {
        takers.add(taker);
    }

    void remove(Taker taker) {
        takers.remove(taker);
    }

    /** Wakes who watches. */
    void announce() {
        changes.happen();
    }

    /** Ends an attempt, unless it is not this attempt's job any more; then this returns false. */
    boolean finish(Job job, JobState state, @Nullable JsonNode result, @Nullable String error) {
        Instant now = Instant.now();
        boolean ours = table.finish(job, state, result, error, now);
        if (ours) {
            ends.happen(job.ended(state, result, error, now));
        }
        announce();
        return ours;
    }

    JobTable table() {
        return table;
    }
}
