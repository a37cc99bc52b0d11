package dev.atelier.server.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.atelier.server.db.Database;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
    private static final Order ORDER = new Order("/v3/async/txt2img", "model", 2, 512, 512, 20, 100);

    @TempDir
    Path folder;

    private Database database;
    private ApiKeys keys;
    private Ledger ledger;

    @BeforeEach
    void open() {
        database = Database.sqlite(folder.resolve("keys.db"));
        keys = new ApiKeys(database);
        ledger = new Ledger(database);
    }

    @AfterEach
    void close() {
        database.close();
    }

    private void job(String id, String state) {
        database.jdbi()
                .useHandle(handle -> handle.execute(
                        "insert into jobs (id, kind, lane, state, owner, request, attempt, created_at)"
                                + " values (?, 'GENERATE', 'GENERATE', ?, 'k', '{}', 1, 0)",
                        id,
                        state));
    }

    @Test
    void onlyWhatSucceedsIsPaid() {
        ApiKey key = keys.create("k", 1000L, Limits.NONE).key();
        job("good", "SUCCEEDED");
        job("bad", "FAILED");
        job("stopped", "CANCELLED");
        job("waiting", "QUEUED");
        for (String job : new String[] {"good", "bad", "stopped", "waiting"}) {
            assertThat(ledger.charge(key, ORDER, () -> job)).isEqualTo(job);
        }
        assertThat(ledger.balance(key.id())).hasValue(800);
        ledger.settle();
        assertThat(ledger.balance(key.id())).hasValue(800);
        assertThat(ledger.list(key.id(), 10))
                .extracting(charge -> charge.job() + " " + charge.state())
                .containsExactlyInAnyOrder("good SPENT", "bad RELEASED", "stopped RELEASED", "waiting RESERVED");
    }

    @Test
    void aRequestThatCannotBeQueuedCostsNothing() {
        ApiKey key = keys.create("k", 1000L, Limits.NONE).key();
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> ledger.charge(key, ORDER, () -> {
                    throw new IllegalStateException("full");
                }));
        assertThat(ledger.balance(key.id())).hasValue(1000);
    }

    @Test
    void aBalanceIsNotOverdrawnByManyAtOnce() throws Exception {
        ApiKey key = keys.create("k", 550L, Limits.NONE).key();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<Boolean> order = () -> {
                try {
                    ledger.charge(key, ORDER, () -> "job");
                    return true;
                } catch (BalanceTooLowException _) {
                    return false;
                }
            };
            long paid = 0;
            for (var outcome : threads.invokeAll(
                    IntStream.range(0, 20).mapToObj(_ -> order).toList())) {
                paid += outcome.get() ? 1 : 0;
            }
            assertThat(paid).isEqualTo(5);
        }
        assertThat(ledger.balance(key.id())).hasValue(50);
    }

    @Test
    void limitsCountPictures() {
        ApiKey key = keys.create("k", null, new Limits(5, null)).key();
        ledger.charge(key, ORDER, () -> "a");
        ledger.charge(key, ORDER, () -> "b");
        assertThatExceptionOfType(LimitReachedException.class)
                .isThrownBy(() -> ledger.charge(key, ORDER, () -> "c"))
                .withMessage("this key may draw 5 pictures a minute, and has drawn 4")
                .satisfies(limit -> assertThat(limit.retryAfter()).isBetween(1, 61));
        assertThat(ledger.balance(key.id())).isEmpty();
    }

    @Test
    void secretsAreNotKept() {
        ApiKeys.Created created = keys.create("k", null, Limits.NONE);
        assertThat(keys.authenticate(created.secret())).contains(created.key());
        String wrong = created.secret().substring(0, created.secret().length() - 1)
                + (created.secret().endsWith("0") ? "1" : "0");
        assertThat(keys.authenticate(wrong)).isEmpty();
        assertThat(keys.authenticate("")).isEmpty();
        String kept = database.jdbi()
                .withHandle(handle -> handle.select("select hash from api_keys")
                        .mapTo(String.class)
                        .one());
        assertThat(kept).hasSize(64).doesNotContain(created.secret().substring(17));
        assertThat(keys.revoke(created.key().id())).isTrue();
        assertThat(keys.authenticate(created.secret())).isEmpty();
        assertThat(keys.exist()).isFalse();
    }

    @Test
    void grantsAddAndNeverGoBelowNothing() {
        ApiKey key = keys.create("k", null, Limits.NONE).key();
        assertThat(keys.grant(key.id(), 70)).isTrue();
        assertThat(ledger.balance(key.id())).hasValue(70);
        assertThat(keys.grant(key.id(), -100)).isTrue();
        assertThat(ledger.balance(key.id())).hasValue(0);
        assertThat(keys.grant("none", 1)).isFalse();
    }
}
