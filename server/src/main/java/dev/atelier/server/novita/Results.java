package dev.atelier.server.novita;

import dev.atelier.server.db.Json;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobProgress;
import dev.atelier.server.job.JobState;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.link.Links;
import dev.atelier.server.worker.GenerateResult;
import io.javalin.http.Context;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** How far tasks are, the same for both versions. */
record Results(Tasks tasks, Jobs jobs, Links links) {
    // the Python clients give up after 300 polls, half a second apart, so that a poll that waits buys them time
    private static final Duration HOLD = Duration.ofSeconds(5);
    private static final List<String> COUNTS_POLLS =
            List.of("novita-python-sdk/", "omniinfer-python-sdk/", "sd-webui-cloud-inference/");

    /**
     * @param job null for a test
     * @param eta in seconds, 0 if unknown
     * @param error one sentence, or ""
     */
    record Result(
            NovitaTask task,
            @Nullable Job job,
            JobState state,
            double fraction,
            int eta,
            String error,
            List<GenerateResult.Image> images) {}

    /**
     * The state of a task; for clients that count how often they ask, after a while if it is not finished.
     *
     * @throws ProblemException if there is no such task of this owner
     */
    Result find(Context context, String owner) throws InterruptedException {
        String id = Optional.ofNullable(context.queryParam("task_id")).orElse("");
        NovitaTask task = tasks.find(id, owner)
                .orElseThrow(() -> new ProblemException(
                        Problem.NO_TASK,
                        id.isEmpty() ? "task_id is missing" : "there is no task \"%s\"".formatted(id)));
        if (task.outcome() != null) {
            return of(task);
        }
        String agent = Optional.ofNullable(context.header("User-Agent")).orElse("");
        boolean isHeld = COUNTS_POLLS.stream().anyMatch(agent::startsWith);
        Job job = jobs.await(String.valueOf(task.job()), isHeld ? HOLD : Duration.ZERO)
                .orElseThrow(() -> new ProblemException(Problem.NO_TASK, "task %s is forgotten".formatted(id)));
        return result(task, job);
    }

    /** As it is now. */
    Result of(NovitaTask task) {
        if (task.outcome() != null) {
            return test(task, task.outcome());
        }
        Job job = jobs.find(String.valueOf(task.job()))
                .orElseThrow(() -> new ProblemException(Problem.NO_TASK, "task %s is forgotten".formatted(task.id())));
        return result(task, job);
    }

    private static Result test(NovitaTask task, Drawing.Outcome outcome) {
        return switch (outcome) {
            case TASK_STATUS_SUCCEED -> new Result(task, null, JobState.SUCCEEDED, 1, 0, "", List.of());
            case TASK_STATUS_FAILED ->
                new Result(task, null, JobState.FAILED, 0, 0, "a test that was to fail", List.of());
        };
    }

    private Result result(NovitaTask task, Job job) {
        return switch (job.state()) {
            case QUEUED -> new Result(task, job, job.state(), 0, 0, "", List.of());
            case RUNNING -> {
                JobProgress progress = jobs.progress(job.id());
                yield new Result(
                        task, job, job.state(), progress.fraction(), eta(job, progress.fraction()), "", List.of());
            }
            case SUCCEEDED -> {
                GenerateResult drawn = Json.MAPPER.treeToValue(job.result(), GenerateResult.class);
                yield new Result(task, job, job.state(), 1, 0, "", drawn.images());
            }
            case FAILED -> new Result(task, job, job.state(), 0, 0, String.valueOf(job.error()), List.of());
            case CANCELLED -> new Result(task, job, job.state(), 0, 0, "cancelled", List.of());
        };
    }

    private static int eta(Job job, double fraction) {
        if (job.startedAt() == null || fraction <= 0) {
            return 0;
        }
        double spent = Duration.between(job.startedAt(), Instant.now()).toMillis() / 1000.0;
        return (int) Math.round(spent / fraction - spent);
    }

    /** The address of this server, as the caller wrote it. */
    static String server(Context context) {
        return "%s://%s".formatted(context.scheme(), context.host());
    }

    /** Where the pictures can be fetched, by whoever has the address, until the task's links expire. */
    Stream<String> addresses(String server, Result result) {
        Instant expires = Instant.now().plusSeconds(result.task().linkTtl());
        return result.images().stream()
                .map(image -> server
                        + links.path(image.key() + result.task().imageType().suffix(), expires));
    }
}
