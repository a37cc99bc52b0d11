package dev.atelier.server.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.atelier.server.db.Database;
import dev.atelier.server.db.Json;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class JobsTest {
    private static final JsonNode NOTHING = Json.MAPPER.createObjectNode();
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Worker.Pace PACE =
            new Worker.Pace(Duration.ofMillis(50), Duration.ofSeconds(1), Duration.ofMillis(200));

    @TempDir
    Path folder;

    private Database database;
    private Jobs jobs;

    Database openDatabase() throws Exception {
        return Database.sqlite(folder.resolve("jobs.db"));
    }

    @BeforeEach
    void open() throws Exception {
        database = openDatabase();
        jobs = new Jobs(database, 10);
    }

    @AfterEach
    void close() {
        database.close();
    }

    private Job submit(String owner, String model) {
        return jobs.submit(JobKind.GENERATE, owner, model, NOTHING);
    }

    private Worker worker(Work work) {
        Bench bench = new Bench() {
            @Override
            public String loadedModel() {
                return null;
            }

            @Override
            public JsonNode run(Job job, JobControl control) throws Exception {
                return work.run(job, control);
            }

            @Override
            public void close() {}
        };
        return Worker.start(database, jobs, Lane.GENERATE, List.of(bench), PACE);
    }

    private interface Work {
        JsonNode run(Job job, JobControl control) throws Exception;
    }

    private List<String> claimAll(String loadedModel) {
        List<String> claimed = new ArrayList<>();
        for (int i = 0; ; i++) {
            Instant later = Instant.now().plusMillis(i);
            Job job = jobs.table()
                    .claim(Lane.GENERATE, loadedModel, "ticket" + i, "worker", later)
                    .orElse(null);
            if (job == null) {
                return claimed;
            }
            claimed.add(job.owner() + ":" + job.model());
        }
    }

    @Test
    void ownersTakeTurns() {
        List.of("greedy", "greedy", "greedy", "modest", "late").forEach(owner -> submit(owner, "m"));
        List<String> claimed = claimAll("m");
        assertThat(claimed.subList(0, 3)).containsExactlyInAnyOrder("greedy:m", "modest:m", "late:m");
        assertThat(claimed.subList(3, 5)).containsOnly("greedy:m");
    }

    @Test
    void jobsOfTheLoadedModelComeFirst() {
        List.of("a", "b", "a", "b").forEach(model -> submit("one", model));
        assertThat(claimAll("b")).containsExactly("one:b", "one:b", "one:a", "one:a");
    }

    @Test
    void aFullQueueRefuses() {
        for (int i = 0; i < 10; i++) {
            submit("one", "m");
        }
        assertThatExceptionOfType(QueueFullException.class).isThrownBy(() -> submit("two", "m"));
    }

    @Test
    void aJobIsDoneAndItsResultKept() throws Exception {
        try (Worker _ = worker((_, control) -> {
            Thread.sleep(250); // the first 200 ms are nobody's business
            control.report("painting", 1, 2, 0.5);
            return Json.MAPPER.valueToTree(List.of("done"));
        })) {
            Job job = jobs.await(submit("one", "m").id(), LONG).orElseThrow();
            assertThat(job.state()).isEqualTo(JobState.SUCCEEDED);
            assertThat(job.result()).hasToString("[\"done\"]");
            assertThat(job.attempt()).isEqualTo(1);
            assertThat(jobs.progress(job.id()).phase()).isEqualTo("painting");
        }
    }

    @Test
    void aFailureIsOneSentence() throws Exception {
        try (Worker _ = worker((_, _) -> {
            throw new IllegalArgumentException("no such model\nat somewhere");
        })) {
            Job job = jobs.await(submit("one", "m").id(), LONG).orElseThrow();
            assertThat(job.state()).isEqualTo(JobState.FAILED);
            assertThat(job.error()).isEqualTo("no such model");
        }
    }

    @Test
    void whatTheJvmRunsOutOfIsAFailureOfTheJobAlone() throws Exception {
        try (Worker _ = worker((job, _) -> {
            if ("huge".equals(job.model())) {
                throw new OutOfMemoryError("no room for it");
            }
            return NOTHING;
        })) {
            Job huge = jobs.await(submit("one", "huge").id(), LONG).orElseThrow();
            assertThat(huge.state()).isEqualTo(JobState.FAILED);
            assertThat(huge.error()).isEqualTo("no room for it");
            Job next = jobs.await(submit("one", "small").id(), LONG).orElseThrow();
            assertThat(next.state()).isEqualTo(JobState.SUCCEEDED);
        }
    }

    @Test
    void queuedAndRunningJobsCanBeCancelled() throws Exception {
        Job queued = submit("one", "m");
        assertThat(jobs.wish(queued.id(), Wish.CANCEL)).isTrue();
        assertThat(jobs.find(queued.id()).orElseThrow().state()).isEqualTo(JobState.CANCELLED);

        CountDownLatch begun = new CountDownLatch(1);
        try (Worker _ = worker((_, control) -> {
            begun.countDown();
            while (true) {
                control.report("forever", 0, 0, 0);
            }
        })) {
            Job running = submit("one", "m");
            begun.await();
            jobs.wish(running.id(), Wish.CANCEL);
            assertThat(jobs.await(running.id(), LONG).orElseThrow().state()).isEqualTo(JobState.CANCELLED);
        }
    }

    @Test
    void aWorkerThatShutsDownPutsItsJobBack() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        Job job = submit("one", "m");
        try (Worker _ = worker((_, control) -> {
            begun.countDown();
            while (true) {
                control.report("forever", 0, 0, 0);
            }
        })) {
            begun.await();
        }
        assertThat(jobs.find(job.id()).orElseThrow().state()).isEqualTo(JobState.QUEUED);
        try (Worker _ = worker((_, _) -> NOTHING)) {
            Job done = jobs.await(job.id(), LONG).orElseThrow();
            assertThat(done.state()).isEqualTo(JobState.SUCCEEDED);
            assertThat(done.attempt()).isEqualTo(1);
        }
    }

    @Test
    void aJobThatWasTakenAtOnceIsPutBackAsWell() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        Job job;
        try (Worker _ = worker((_, control) -> {
            begun.countDown();
            while (true) {
                control.report("forever", 0, 0, 0);
            }
        })) {
            job = submit("one", "m");
            begun.await();
        }
        assertThat(jobs.find(job.id()).orElseThrow().state()).isEqualTo(JobState.QUEUED);
        try (Worker _ = worker((_, _) -> NOTHING)) {
            Job done = jobs.await(job.id(), LONG).orElseThrow();
            assertThat(done.state()).isEqualTo(JobState.SUCCEEDED);
            assertThat(done.attempt()).isEqualTo(1);
        }
    }

    @Test
    void aJobThatWasTakenAtOnceStaysWithItsWorker() throws Exception {
        List<String> begun = Collections.synchronizedList(new ArrayList<>());
        Work slow = (job, _) -> {
            begun.add(job.id());
            Thread.sleep(5 * PACE.heartbeat().toMillis()); // longer than the ticket is hidden without renewal
            return NOTHING;
        };
        try (Worker _ = worker(slow);
                Worker _ = worker(slow)) {
            Job done = jobs.await(submit("one", "m").id(), LONG).orElseThrow();
            assertThat(done.state()).isEqualTo(JobState.SUCCEEDED);
            assertThat(done.attempt()).isEqualTo(1);
        }
        assertThat(begun).hasSize(1);
    }

    @Test
    void jobsThatCameWhileAnotherRanFollowAtOnce() throws Exception {
        CountDownLatch last = new CountDownLatch(10);
        try (Worker _ = worker((_, _) -> {
            last.countDown();
            Thread.sleep(20);
            return NOTHING;
        })) {
            for (int i = 0; i < 10; i++) {
                submit("one", "m");
            }
            assertThat(last.await(2, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void anAttemptThatWasTakenOverCannotFinish() {
        submit("one", "m");
        Job first = jobs.table()
                .claim(Lane.GENERATE, null, "ticket", "worker", Instant.now())
                .orElseThrow();
        Job second = jobs.table().retry(first, "another", Instant.now()).orElseThrow();
        assertThat(jobs.table().finish(first, JobState.SUCCEEDED, NOTHING, null, Instant.now()))
                .isFalse();
        assertThat(jobs.table().finish(second, JobState.SUCCEEDED, NOTHING, null, Instant.now()))
                .isTrue();
        assertThat(jobs.table().finish(second, JobState.FAILED, null, "late", Instant.now()))
                .isFalse();
    }

    @Test
    void anAttemptThatWasTakenOverStopsAtItsNextReport() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch stopped = new CountDownLatch(1);
        try (Worker _ = worker((job, control) -> {
            try {
                while (true) {
                    control.report("forever", 0, 0, 0);
                    begun.countDown();
                }
            } finally {
                stopped.countDown();
            }
        })) {
            Job job = submit("one", "m");
            begun.await();
            Job running = jobs.find(job.id()).orElseThrow();
            Job second = jobs.table().retry(running, "another", Instant.now()).orElseThrow();
            assertThat(stopped.await(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(jobs.table().finish(second, JobState.SUCCEEDED, NOTHING, null, Instant.now()))
                    .isTrue();
        }
    }

    @Test
    void twoWorkersNeverDoTheSameJob() throws Exception {
        List<String> done = Collections.synchronizedList(new ArrayList<>());
        Work note = (job, _) -> {
            done.add(job.id());
            return NOTHING;
        };
        Worker first = worker(note);
        Worker second = worker(note);
        try (first;
                second) {
            for (int i = 0; i < 10; i++) {
                submit("one", "m");
            }
            for (Job job : jobs.list(null, null, null, 10)) {
                jobs.await(job.id(), LONG);
            }
        }
        assertThat(done).hasSize(10).doesNotHaveDuplicates();
    }

    @Test
    void aJobWithoutATicketGetsOne() throws Exception {
        Job job = submit("one", "m");
        database.jdbi().useHandle(handle -> handle.execute("delete from generate_tickets"));
        try (Worker _ = worker((_, _) -> NOTHING)) {
            assertThat(jobs.await(job.id(), LONG).orElseThrow().state()).isEqualTo(JobState.SUCCEEDED);
        }
    }

    @Test
    void aJobWhoseWorkerDiedBeforeItHadATicketIsStartedAgain() throws Exception {
        Job begun = new Job(
                "1",
                JobKind.GENERATE,
                JobState.RUNNING,
                "one",
                "m",
                NOTHING,
                null,
                null,
                null,
                1,
                "dead",
                Instant.now(),
                null,
                null);
        assertThat(jobs.table().begin(begun)).isTrue();
        try (Worker _ = worker((_, _) -> NOTHING)) {
            Job done = jobs.await("1", LONG).orElseThrow();
            assertThat(done.state()).isEqualTo(JobState.SUCCEEDED);
            assertThat(done.attempt()).isEqualTo(2);
        }
    }

    @Test
    void aJobBeginsAtOnceUnlessOthersWait() throws Exception {
        try (Worker _ = worker((_, _) -> NOTHING)) {
            Job job = submit("one", "m");
            assertThat(job.state()).isEqualTo(JobState.RUNNING);
            assertThat(jobs.await(job.id(), LONG).orElseThrow().attempt()).isEqualTo(1);
        }
        Job waiting = submit("one", "m");
        assertThat(jobs.table().begin(waiting.begun("worker", Instant.now()))).isFalse();
    }

    @Test
    void listsGoOnWhereTheyEnded() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ids.add(submit("one", "m").id());
        }
        List<Job> first = jobs.list("one", null, null, 3);
        List<Job> second = jobs.list("one", JobState.QUEUED, first.getLast().id(), 3);
        List<String> listed = new ArrayList<>();
        first.forEach(job -> listed.add(job.id()));
        second.forEach(job -> listed.add(job.id()));
        List<String> newestFirst = new ArrayList<>(ids);
        newestFirst.sort(Collections.reverseOrder());
        assertThat(listed).isEqualTo(newestFirst);
        assertThat(jobs.list("two", null, null, 3)).isEmpty();
    }
}
