package dev.atelier.server.key;

import dev.atelier.server.db.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/**
 * What keys have spent. The price of a request is taken from the balance before its job is queued, and put back if the job
 * does not succeed. Limits are counted from the same lines, so that they hold over all servers and restarts. Thread-safe.
 */
public final class Ledger {
    // a charge without a job, this long after: its request failed, or its server died, before the job was queued
    private static final Duration ABANDONED = Duration.ofMinutes(5);

    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration DAY = Duration.ofDays(1);

    private final Jdbi jdbi;

    public Ledger(Database database) {
        this.jdbi = database.jdbi();
    }

    /**
     * Reserves what an order costs, queues it, and gives the reserve back if that fails.
     *
     * @param submit queues the job and returns its id
     * @return the id of the job
     * @throws BalanceTooLowException if the key cannot pay
     * @throws LimitReachedException if the key has drawn enough for now
     */
    public String charge(ApiKey key, Order order, Supplier<String> submit) {
        settle();
        String charge = UUID.randomUUID().toString();
        jdbi.useTransaction(handle -> reserve(handle, charge, key, order, System.currentTimeMillis()));
        String job;
        try {
            job = submit.get();
        } catch (RuntimeException e) {
            jdbi.useTransaction(handle -> release(handle, charge, key.id(), order.cost()));
            throw e;
        }
        jdbi.useHandle(handle -> handle.execute("update charges set job_id = ? where id = ?", job, charge));
        return job;
    }

    private static void reserve(Handle handle, String charge, ApiKey key, Order order, long now) {
        // this also locks the key, so that two requests at once are counted one after the other
        int paid = handle.execute(
                "update api_keys set balance = balance - ? where id = ? and (balance is null or balance >= ?)",
                order.cost(),
                key.id(),
                order.cost());
        if (paid == 0) {
            throw new BalanceTooLowException(balance(handle, key.id()).orElse(0), order.cost());
        }
        requireWithin(handle, key.limits().perMinute(), MINUTE, "minute", key, order, now);
        requireWithin(handle, key.limits().perDay(), DAY, "day", key, order, now);
        handle.execute(
                """
                insert into charges
                  (id, key_id, endpoint, model, images, width, height, steps, cost, state, created_at)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'RESERVED', ?)
                """,
                charge,
                key.id(),
                order.endpoint(),
                order.model(),
                order.images(),
                order.width(),
                order.height(),
                order.steps(),
                order.cost(),
                now);
    }

    private static void requireWithin(
            Handle handle, @Nullable Integer limit, Duration window, String name, ApiKey key, Order order, long now) {
        if (limit == null) {
            return;
        }
        long since = now - window.toMillis();
        String drawnSince = "from charges where key_id = ? and created_at > ? and state <> 'RELEASED'";
        long drawn = handle.select("select coalesce(sum(images), 0) " + drawnSince, key.id(), since)
                .mapTo(Long.class)
                .one();
        if (drawn + order.images() <= limit) {
            return;
        }
        long oldest = handle.select("select coalesce(min(created_at), ?) " + drawnSince, now, key.id(), since)
                .mapTo(Long.class)
                .one();
        throw new LimitReachedException(
                "this key may draw %d pictures a %s, and has drawn %d".formatted(limit, name, drawn),
                Math.toIntExact((oldest + window.toMillis() - now) / 1000 + 1));
    }

    /** Closes the lines of jobs that have finished. Called before anything that depends on a balance. */
    public void settle() {
        jdbi.useTransaction(handle -> {
            handle.execute("""
                    update charges set state = 'SPENT' where state = 'RESERVED'
                      and job_id in (select id from jobs where state = 'SUCCEEDED')
                    """);
            handle.select("""
                            select id, key_id, cost from charges where state = 'RESERVED'
                              and (job_id in (select id from jobs where state in ('FAILED', 'CANCELLED'))
                                or (job_id is null and created_at < ?))
                            """, System.currentTimeMillis() - ABANDONED.toMillis())
                    .map((row, _) -> new Reserve(row.getString("id"), row.getString("key_id"), row.getLong("cost")))
                    .list()
                    .forEach(reserve -> release(handle, reserve.charge(), reserve.key(), reserve.cost()));
        });
    }

    private record Reserve(String charge, String key, long cost) {}

    private static void release(Handle handle, String charge, String key, long cost) {
        int released =
                handle.execute("update charges set state = 'RELEASED' where id = ? and state = 'RESERVED'", charge);
        if (released == 1) {
            handle.execute("update api_keys set balance = balance + ? where id = ?", cost, key);
        }
    }

    /** What a key may still spend, in 10⁻¹⁰ USD; empty for no limit. */
    public OptionalLong balance(String key) {
        settle();
        return jdbi.withHandle(handle -> balance(handle, key));
    }

    private static OptionalLong balance(Handle handle, String key) {
        return handle
                .select("select balance from api_keys where id = ? and balance is not null", key)
                .mapTo(Long.class)
                .stream()
                .mapToLong(Long::longValue)
                .findFirst();
    }

    /** The newest lines of a key, or of all keys for null. */
    public List<Charge> list(@Nullable String key, int limit) {
        settle();
        return jdbi.withHandle(handle -> handle.createQuery("""
                        select * from charges where (:key is null or key_id = :key)
                        order by created_at desc, id limit :limit
                        """)
                .bind("key", key)
                .bind("limit", limit)
                .map((row, _) -> new Charge(
                        row.getString("key_id"),
                        row.getString("job_id"),
                        new Order(
                                row.getString("endpoint"),
                                row.getString("model"),
                                row.getInt("images"),
                                row.getInt("width"),
                                row.getInt("height"),
                                row.getInt("steps"),
                                row.getLong("cost")),
                        Charge.State.valueOf(row.getString("state")),
                        Instant.ofEpochMilli(row.getLong("created_at"))))
                .list());
    }
}
