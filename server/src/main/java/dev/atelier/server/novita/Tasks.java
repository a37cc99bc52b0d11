package dev.atelier.server.novita;

import dev.atelier.server.db.Database;
import dev.atelier.server.db.Json;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.key.ApiKey;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.novita.Drawing.Outcome;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/** Tasks in front of the queue: each is a job, paid by the key that asks, and seen by that key only. */
final class Tasks {
    private final Jdbi jdbi;
    private final Jobs jobs;
    private final ApiKeys keys;
    private final Ledger ledger;

    Tasks(Database database, Jobs jobs, ApiKeys keys, Ledger ledger) {
        this.jdbi = database.jdbi();
        this.jobs = jobs;
        this.keys = keys;
        this.ledger = ledger;
    }

    /**
     * Queues a drawing; a test is only remembered, and costs nothing.
     *
     * @param owner a key's id, or {@link Jobs#LOCAL}
     * @return the id of the task
     */
    String submit(String owner, String endpoint, Drawing drawing) {
        if (drawing.outcome() != null) {
            String id = UUID.randomUUID().toString();
            insert(id, owner, null, drawing);
            return id;
        }
        Optional<ApiKey> key = keys.find(owner);
        return key.isEmpty()
                ? queue(owner, drawing)
                : ledger.charge(key.get(), drawing.order(endpoint), () -> queue(owner, drawing));
    }

    private String queue(String owner, Drawing drawing) {
        Job job = jobs.submit(JobKind.GENERATE, owner, drawing.task().model(), Json.MAPPER.valueToTree(drawing.task()));
        insert(job.id(), owner, job.id(), drawing);
        return job.id();
    }

    private void insert(String id, String owner, @Nullable String job, Drawing drawing) {
        Outcome outcome = drawing.outcome();
        jdbi.useHandle(handle -> handle.execute(
                "insert into novita_tasks (id, owner, job_id, type, image_type, link_ttl, outcome, created_at)"
                        + " values (?, ?, ?, ?, ?, ?, ?, ?)",
                id,
                owner,
                job,
                drawing.type().name(),
                drawing.imageType().name(),
                drawing.linkTtl(),
                outcome == null ? null : outcome.name(),
                System.currentTimeMillis()));
    }

    /** Forgets old tasks whose jobs are forgotten, and old tests. */
    void forgetBefore(Instant time) {
        jdbi.useHandle(handle -> handle.execute(
                "delete from novita_tasks where created_at < ? and (job_id is null or job_id not in (select id from jobs))",
                time.toEpochMilli()));
    }

    /** Empty for a task of another owner. */
    Optional<NovitaTask> find(String id, String owner) {
        return jdbi.withHandle(handle -> handle.select(
                        "select * from novita_tasks where id = ? and owner = ?", id, owner)
                .map((row, _) -> {
                    String outcome = row.getString("outcome");
                    return new NovitaTask(
                            row.getString("id"),
                            row.getString("job_id"),
                            TaskType.valueOf(row.getString("type")),
                            ImageType.valueOf(row.getString("image_type")),
                            row.getInt("link_ttl"),
                            outcome == null ? null : Outcome.valueOf(outcome),
                            Instant.ofEpochMilli(row.getLong("created_at")));
                })
                .findOne());
    }
}
