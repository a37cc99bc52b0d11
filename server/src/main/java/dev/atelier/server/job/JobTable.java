package dev.atelier.server.job;

import dev.atelier.server.db.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.Update;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The tables {@code jobs} and {@code job_progress}, in SQL that SQLite and PostgreSQL both know. */
final class JobTable {
    // a job of another model than the loaded one waits at most this long behind jobs of the loaded one
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Jdbi jdbi;

    JobTable(Jdbi jdbi) {
        this.jdbi = jdbi;
    }

    /** @return false if {@code limit} jobs wait already */
    boolean insert(Job job, int limit) {
        return jdbi.withHandle(
                handle -> insertion(handle, job, """
                insert into jobs (id, kind, lane, state, owner, model, request, attempt, created_at)
                select :id, :kind, :lane, 'QUEUED', :owner, :model, :request, 0, :created
                where (select count(*) from jobs where state = 'QUEUED') < :limit
                """).bind("limit", limit).execute() == 1);
    }

    /**
     * Inserts a job whose first attempt has begun. The ticket that it is held by bears its own name.
     *
     * @return false if others of its lane wait
     */
    boolean begin(Job job) {
        return jdbi.withHandle(handle ->
                insertion(handle, job, """
                insert into jobs (id, kind, lane, state, owner, model, request, attempt, ticket, worker, created_at, started_at)
                select :id, :kind, :lane, 'RUNNING', :owner, :model, :request, 1, :id, :worker, :created, :created
                where not exists (select 1 from jobs where state = 'QUEUED' and lane = :lane)
                """).bind("worker", job.worker()).execute() == 1);
    }

    private static Update insertion(Handle handle, Job job, String sql) {
        return handle.createUpdate(sql)
                .bind("id", job.id())
                .bind("kind", job.kind().name())
                .bind("lane", job.kind().lane().name())
                .bind("owner", job.owner())
                .bind("model", job.model())
                .bind("request", job.request().toString())
                .bind("created", job.createdAt().toEpochMilli());
    }

    Optional<Job> find(String id) {
        return jdbi.withHandle(handle -> find(handle, id));
    }

    /** Newest first. */
    List<Job> list(
            @Nullable String owner,
            @Nullable JobKind kind,
            @Nullable JobState state,
            @Nullable String before,
            int limit) {
        return jdbi.withHandle(handle -> handle.createQuery("""
                select * from jobs
                where (:owner is null or owner = :owner) and (:kind is null or kind = :kind)
                  and (:state is null or state = :state) and (:before is null or id < :before)
                order by id desc limit :limit
                """)
                .bind("owner", owner)
                .bind("kind", kind == null ? null : kind.name())
                .bind("state", state == null ? null : state.name())
                .bind("before", before)
                .bind("limit", limit)
                .map((row, _) -> job(row))
                .list());
    }

    /** What an owner's jobs that are not finished are doing, the earliest first. */
    List<ActiveJob> active(String owner, int limit) {
        return jdbi.withHandle(handle -> handle.select("""
                        select id, kind, state, phase, done, total, fraction, previews
                        from jobs left join job_progress on job_id = id
                        where state in ('QUEUED', 'RUNNING') and owner = ? order by id limit ?
                        """, owner, limit)
                .map((row, _) -> new ActiveJob(
                        row.getString("id"),
                        JobKind.valueOf(row.getString("kind")),
                        JobState.valueOf(row.getString("state")),
                        row.getString("phase") == null ? JobProgress.NONE : progress(row)))
                .list());
    }

    int count(JobState state, @Nullable Lane lane) {
        return jdbi.withHandle(handle -> count(handle, state, lane));
    }

    private static int count(Handle handle, JobState state, @Nullable Lane lane) {
        return handle.createQuery("select count(*) from jobs where state = :state and (:lane is null or lane = :lane)")
                .bind("state", state.name())
                .bind("lane", lane == null ? null : lane.name())
                .mapTo(Integer.class)
                .one();
    }

    /** How many of its lane are to be claimed before it, if all are of one owner and model. */
    int position(Job job) {
        return jdbi.withHandle(handle -> handle.createQuery(
                        "select count(*) from jobs where state = 'QUEUED' and lane = :lane and id < :id")
                .bind("lane", job.kind().lane().name())
                .bind("id", job.id())
                .mapTo(Integer.class)
                .one());
    }

    List<Job> running(Lane lane) {
        return jdbi.withHandle(handle -> handle.select(
                        "select * from jobs where state = 'RUNNING' and lane = ? order by started_at", lane.name())
                .map((row, _) -> job(row))
                .list());
    }

    List<String> queuedIds(Lane lane) {
        return jdbi.withHandle(handle -> handle.select(
                        "select id from jobs where state = 'QUEUED' and lane = ? order by id", lane.name())
                .mapTo(String.class)
                .list());
    }

    /** The tickets in whose name jobs run. */
    List<String> heldTickets(Lane lane) {
        return jdbi.withHandle(handle -> handle.select(
                        "select distinct ticket from jobs where state = 'RUNNING' and lane = ?", lane.name())
                .mapTo(String.class)
                .list());
    }

    /** The job that a worker with this ticket had begun when it died. */
    Optional<Job> heldBy(String ticket) {
        return jdbi.withHandle(
                handle -> handle.select("select * from jobs where ticket = ? and state = 'RUNNING'", ticket)
                        .map((row, _) -> job(row))
                        .findOne());
    }

    /**
     * Takes the next job of a lane. Owners take turns: first comes the one that was served longest ago. Among the jobs of
     * an owner, those of the loaded model come first, unless another has waited too long.
     */
    Optional<Job> claim(Lane lane, @Nullable String loadedModel, String ticket, String worker, Instant now) {
        return jdbi.withHandle(handle -> {
            while (true) {
                Optional<Job> claimed = handle.createQuery("""
                        update jobs
                        set state = 'RUNNING', attempt = attempt + 1, started_at = :now, ticket = :ticket, worker = :worker
                        where state = 'QUEUED' and id = (
                            select id from jobs
                            where state = 'QUEUED' and lane = :lane and owner = (
                                select owner from (select distinct owner from jobs where state = 'QUEUED' and lane = :lane) waiting
                                order by coalesce(
                                    (select max(served.started_at) from jobs served
                                     where served.owner = waiting.owner and served.lane = :lane), 0)
                                limit 1)
                            order by
                                case when created_at < :impatient then 0 when model = :model then 1 else 2 end,
                                id
                            limit 1)
                        returning *
                        """)
                        .bind("now", now.toEpochMilli())
                        .bind("ticket", ticket)
                        .bind("worker", worker)
                        .bind("lane", lane.name())
                        .bind("impatient", now.minus(PATIENCE).toEpochMilli())
                        .bind("model", loadedModel)
                        .map((row, _) -> job(row))
                        .findOne();
                // none is either the end of the queue, or another worker that was quicker
                if (claimed.isPresent() || count(handle, JobState.QUEUED, lane) == 0) {
                    return claimed;
                }
            }
        });
    }

    private static Optional<Job> find(Handle handle, String id) {
        return handle.select("select * from jobs where id = ?", id)
                .map((row, _) -> job(row))
                .findOne();
    }

    /** Starts a job once more whose worker died. */
    Optional<Job> retry(Job job, String worker, Instant now) {
        return jdbi.withHandle(handle -> {
            int claimed = handle.createUpdate("""
                    update jobs set attempt = attempt + 1, started_at = :now, worker = :worker
                    where id = :id and state = 'RUNNING' and attempt = :attempt
                    """)
                    .bind("now", now.toEpochMilli())
                    .bind("worker", worker)
                    .bind("id", job.id())
                    .bind("attempt", job.attempt())
                    .execute();
            return claimed == 1 ? find(handle, job.id()) : Optional.empty();
        });
    }

    /** Puts a job back whose worker shuts down; the attempt does not count. */
    boolean requeue(Job job) {
        return jdbi.withHandle(handle -> handle.createUpdate("""
                update jobs set state = 'QUEUED', attempt = attempt - 1, ticket = null, started_at = null
                where id = :id and state = 'RUNNING' and attempt = :attempt
                """)
                        .bind("id", job.id())
                        .bind("attempt", job.attempt())
                        .execute()
                == 1);
    }

    /**
     * Ends an attempt.
     *
     * @return false if it was not this attempt's job any more: another worker has it, or it is finished
     */
    boolean finish(Job job, JobState state, @Nullable JsonNode result, @Nullable String error, Instant now) {
        return jdbi.withHandle(handle -> handle.createUpdate("""
                update jobs set state = :state, result = :result, error = :error, finished_at = :now
                where id = :id and state = 'RUNNING' and attempt = :attempt
                """)
                        .bind("state", state.name())
                        .bind("result", result == null ? null : result.toString())
                        .bind("error", error)
                        .bind("now", now.toEpochMilli())
                        .bind("id", job.id())
                        .bind("attempt", job.attempt())
                        .execute()
                == 1);
    }

    /** Cancels a job that nobody has begun. */
    boolean cancelQueued(String id, Instant now) {
        return jdbi.withHandle(handle -> handle.createUpdate(
                                "update jobs set state = 'CANCELLED', finished_at = :now where id = :id and state = 'QUEUED'")
                        .bind("now", now.toEpochMilli())
                        .bind("id", id)
                        .execute()
                == 1);
    }

    /** A wish of a running job; null to forget it. */
    void wish(String id, @Nullable Wish wish) {
        jdbi.useHandle(
                handle -> handle.createUpdate("update jobs set wish = :wish where id = :id and state = 'RUNNING'")
                        .bind("wish", wish == null ? null : wish.name())
                        .bind("id", id)
                        .execute());
    }

    /** What was asked of a job; empty if this attempt does not run any more. */
    Optional<Asked> asked(Job job) {
        return jdbi.withHandle(handle -> handle.select(
                        "select wish from jobs where id = ? and state = 'RUNNING' and attempt = ?",
                        job.id(),
                        job.attempt())
                .map((row, _) -> new Asked(wish(row)))
                .findOne());
    }

    record Asked(@Nullable Wish wish) {}

    /** @param preview null to keep the one that there is */
    void progress(String id, JobProgress progress, byte @Nullable [] preview, Instant now) {
        jdbi.useHandle(handle -> handle.createUpdate("""
                insert into job_progress (job_id, phase, done, total, fraction, previews, preview, updated_at)
                values (:id, :phase, :done, :total, :fraction, :previews, :preview, :now)
                on conflict (job_id) do update set phase = excluded.phase, done = excluded.done, total = excluded.total,
                    fraction = excluded.fraction, previews = excluded.previews, preview = coalesce(excluded.preview, job_progress.preview),
                    updated_at = excluded.updated_at
                """)
                .bind("id", id)
                .bind("phase", progress.phase())
                .bind("done", progress.done())
                .bind("total", progress.total())
                .bind("fraction", progress.fraction())
                .bind("previews", progress.previews())
                .bind("preview", preview)
                .bind("now", now.toEpochMilli())
                .execute());
    }

    JobProgress progress(String id) {
        return jdbi.withHandle(handle -> handle.select(
                        "select phase, done, total, fraction, previews from job_progress where job_id = ?", id)
                .map((row, _) -> progress(row))
                .findOne()
                .orElse(JobProgress.NONE));
    }

    Optional<byte[]> preview(String id) {
        return jdbi.withHandle(handle -> handle.select("select preview from job_progress where job_id = ?", id)
                .map((row, _) -> Optional.ofNullable(row.getBytes("preview")))
                .findOne()
                .flatMap(preview -> preview));
    }

    /** Finished jobs that are older than {@code time}. */
    List<Job> finishedBefore(Instant time, int limit) {
        return jdbi.withHandle(handle -> handle.select(
                        "select * from jobs where finished_at < ? order by finished_at limit ?",
                        time.toEpochMilli(),
                        limit)
                .map((row, _) -> job(row))
                .list());
    }

    void delete(String id) {
        jdbi.useTransaction(handle -> {
            handle.execute("delete from job_progress where job_id = ?", id);
            handle.execute("delete from jobs where id = ?", id);
        });
    }

    private static Job job(ResultSet row) throws SQLException {
        String result = row.getString("result");
        return new Job(
                row.getString("id"),
                JobKind.valueOf(row.getString("kind")),
                JobState.valueOf(row.getString("state")),
                row.getString("owner"),
                row.getString("model"),
                Json.MAPPER.readTree(row.getString("request")),
                result == null ? null : Json.MAPPER.readTree(result),
                row.getString("error"),
                wish(row),
                row.getInt("attempt"),
                row.getString("worker"),
                Instant.ofEpochMilli(row.getLong("created_at")),
                instant(row, "started_at"),
                instant(row, "finished_at"));
    }

    private static JobProgress progress(ResultSet row) throws SQLException {
        return new JobProgress(
                row.getString("phase"),
                row.getInt("done"),
                row.getInt("total"),
                row.getDouble("fraction"),
                row.getInt("previews"));
    }

    private static @Nullable Wish wish(ResultSet row) throws SQLException {
        String wish = row.getString("wish");
        return wish == null ? null : Wish.valueOf(wish);
    }

    private static @Nullable Instant instant(ResultSet row, String column) throws SQLException {
        long millis = row.getLong(column);
        return row.wasNull() ? null : Instant.ofEpochMilli(millis);
    }
}
