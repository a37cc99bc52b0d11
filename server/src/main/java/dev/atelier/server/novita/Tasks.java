package dev.atelier.server.novita;

import dev.atelier.server.db.Database;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.key.ApiKey;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.novita.Drawing.Outcome;
import java.net.URI;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
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
     * @param server its address, to which links lead that nobody asks for
     * @return the id of the task
     */
    String submit(String owner, String endpoint, Drawing drawing, String server) {
        if (drawing.outcome() != null) {
            String id = UUID.randomUUID().toString();
            insert(id, owner, null, drawing, server);
            return id;
        }
        Optional<ApiKey> key = keys.find(owner);
        return key.isEmpty()
                ? queue(owner, drawing, server)
                : ledger.charge(key.get(), drawing.work().order(endpoint), () -> queue(owner, drawing, server));
    }

    private String queue(String owner, Drawing drawing, String server) {
        Work work = drawing.work();
        Job job = jobs.submit(work.kind(), owner, work.model(), work.request());
        insert(job.id(), owner, job.id(), drawing, server);
        return job.id();
    }

    private void insert(String id, String owner, @Nullable String job, Drawing drawing, String server) {
        Outcome outcome = drawing.outcome();
        URI webhook = drawing.webhook();
        jdbi.useHandle(handle -> handle.execute(
                "insert into novita_tasks (id, owner, job_id, type, image_type, link_ttl, outcome, webhook, server,"
                        + " webhook_due, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                id,
                owner,
                job,
                drawing.type().name(),
                drawing.imageType().name(),
                drawing.linkTtl(),
                outcome == null ? null : outcome.name(),
                webhook == null ? null : webhook.toString(),
                server,
                webhook == null ? null : System.currentTimeMillis(),
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
        return jdbi.withHandle(
                handle -> handle.select("select * from novita_tasks where id = ? and owner = ?", id, owner)
                        .map((row, _) -> task(row))
                        .findOne());
    }

    /** Tasks that are done, or are tests, and whose webhooks are to be called now. */
    List<NovitaTask> withWebhookDue(Instant now, int limit) {
        return jdbi.withHandle(handle -> handle.select("""
                        select novita_tasks.* from novita_tasks left join jobs on jobs.id = job_id
                        where webhook_due <= ? and (job_id is null or state in ('SUCCEEDED', 'FAILED', 'CANCELLED'))
                        order by webhook_due limit ?
                        """, now.toEpochMilli(), limit)
                .map((row, _) -> task(row))
                .list());
    }

    /** @return false if another server has it */
    boolean claimWebhook(NovitaTask task, Instant until) {
        return jdbi.withHandle(handle -> handle.execute(
                        "update novita_tasks set webhook_due = ?, webhook_tries = webhook_tries + 1"
                                + " where id = ? and webhook_due is not null and webhook_tries = ?",
                        until.toEpochMilli(),
                        task.id(),
                        task.webhookTries())
                == 1);
    }

    /** When to call a webhook again; null for never. */
    void webhookDue(NovitaTask task, @Nullable Instant due) {
        jdbi.useHandle(handle -> handle.execute(
                "update novita_tasks set webhook_due = ? where id = ?",
                due == null ? null : due.toEpochMilli(),
                task.id()));
    }

    private static NovitaTask task(ResultSet row) throws SQLException {
        String outcome = row.getString("outcome");
        long due = row.getLong("webhook_due");
        return new NovitaTask(
                row.getString("id"),
                row.getString("owner"),
                row.getString("job_id"),
                TaskType.valueOf(row.getString("type")),
                ImageType.valueOf(row.getString("image_type")),
                row.getInt("link_ttl"),
                outcome == null ? null : Outcome.valueOf(outcome),
                row.getString("webhook"),
                row.getString("server"),
                due == 0 ? null : Instant.ofEpochMilli(due),
                row.getInt("webhook_tries"),
                Instant.ofEpochMilli(row.getLong("created_at")));
    }
}
