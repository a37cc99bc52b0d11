package dev.atelier.server.a1111;

import dev.atelier.server.db.Json;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobProgress;
import dev.atelier.server.job.JobState;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.Lane;
import dev.atelier.server.job.Wish;
import dev.atelier.server.worker.GenerateTask;
import io.javalin.http.Context;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How far the current picture is, and stopping it. */
final class ProgressRoutes {
    private static final int MAX_BODY = 1 << 20;
    private static final DateTimeFormatter TIMESTAMP =
            DateTimeFormatter.ofPattern("yyyyMMddHHmmss").withZone(ZoneId.systemDefault());
    // AUTOMATIC1111's way to say that something has begun
    private static final double BEGUN = 0.01;

    private final Jobs jobs;
    private final TaskIds taskIds;

    ProgressRoutes(Jobs jobs, TaskIds taskIds) {
        this.jobs = jobs;
        this.taskIds = taskIds;
    }

    private Optional<Job> current(Context context) {
        String owner = WebServer.owner(context);
        return jobs.running(Lane.GENERATE).stream()
                .filter(job -> job.owner().equals(owner))
                .findFirst();
    }

    /** {@code GET /sdapi/v1/progress}. */
    void progress(Context context) {
        Map<String, @Nullable Object> response = new LinkedHashMap<>();
        Optional<Job> running = current(context);
        if (running.isEmpty()) {
            response.put("progress", 0.0);
            response.put("eta_relative", 0.0);
            response.put("state", state(null, JobProgress.NONE));
            response.put("current_image", null);
        } else {
            Job job = running.get();
            JobProgress progress = jobs.progress(job.id());
            double fraction = Math.min(1, BEGUN + progress.fraction());
            double elapsed = seconds(job);
            response.put("progress", fraction);
            response.put("eta_relative", elapsed / fraction - elapsed);
            response.put("state", state(job, progress));
            boolean skip = Boolean.parseBoolean(context.queryParam("skip_current_image"));
            response.put("current_image", skip ? null : preview(job).orElse(null));
        }
        response.put("textinfo", null);
        context.json(response);
    }

    private Optional<String> preview(Job job) {
        return jobs.preview(job.id()).map(Base64.getEncoder()::encodeToString);
    }

    private static double seconds(Job job) {
        return job.startedAt() == null
                ? 0
                : Duration.between(job.startedAt(), Instant.now()).toMillis() / 1000.0;
    }

    private static Map<String, @Nullable Object> state(@Nullable Job job, JobProgress progress) {
        int batches = job == null
                ? 0
                : Optional.ofNullable(Json.MAPPER
                                .treeToValue(job.request(), GenerateTask.class)
                                .batchCount())
                        .orElse(1);
        boolean isSampling = progress.phase().equals("sampling");
        Map<String, @Nullable Object> state = new LinkedHashMap<>();
        state.put("skipped", job != null && job.wish() == Wish.SKIP);
        state.put("interrupted", job != null && job.wish() == Wish.INTERRUPT);
        state.put("stopping_generation", false);
        state.put("job", job == null ? "" : "scripts_txt2img");
        state.put("job_count", batches);
        state.put("job_timestamp", job == null || job.startedAt() == null ? "0" : TIMESTAMP.format(job.startedAt()));
        state.put("job_no", Math.min((int) (progress.fraction() * batches), Math.max(0, batches - 1)));
        state.put("sampling_step", isSampling ? Math.max(0, progress.done() - 1) : 0);
        state.put("sampling_steps", isSampling ? progress.total() : 0);
        return state;
    }

    /** {@code POST /internal/progress}. */
    void internalProgress(Context context) {
        Values values = Requests.PROGRESS.read(Body.text(context, MAX_BODY));
        String id = values.textOrEmpty("id_task");
        Optional<Job> found =
                taskIds.job(id).flatMap(jobs::find).filter(job -> job.owner().equals(WebServer.owner(context)));
        JobState state = found.map(Job::state).orElse(null);
        Map<String, @Nullable Object> response = new LinkedHashMap<>();
        response.put("active", state == JobState.RUNNING);
        response.put("queued", state == JobState.QUEUED);
        response.put("completed", state != null && state.isFinal());
        response.put("progress", null);
        response.put("eta", null);
        response.put("live_preview", null);
        response.put("id_live_preview", values.integer("id_live_preview", -1));
        response.put("textinfo", state == JobState.QUEUED ? inQueue(found.get()) : "Waiting...");
        if (state == JobState.RUNNING) {
            Job job = found.get();
            JobProgress progress = jobs.progress(job.id());
            response.put("progress", progress.fraction());
            response.put("eta", progress.fraction() == 0 ? null : seconds(job) / progress.fraction() - seconds(job));
            response.put("textinfo", null);
            boolean isNew = progress.previews() > 0 && progress.previews() != values.integer("id_live_preview", -1);
            if (isNew && values.isTrue("live_preview")) {
                response.put(
                        "live_preview",
                        preview(job).map(png -> "data:image/png;base64," + png).orElse(null));
                response.put("id_live_preview", progress.previews());
            }
        }
        context.json(response);
    }

    private String inQueue(Job job) {
        int waiting = jobs.count(Lane.GENERATE, JobState.QUEUED);
        return "In queue: %d/%d".formatted(Math.min(waiting, jobs.position(job) + 1), waiting);
    }

    /** {@code GET /internal/pending-tasks}. */
    void pendingTasks(Context context) {
        List<String> ids = jobs.list(WebServer.owner(context), JobState.QUEUED, null, 1000).stream()
                .map(Job::id)
                .flatMap(job -> taskIds.idOf(job).stream())
                .toList()
                .reversed();
        context.json(Map.of("size", ids.size(), "tasks", ids));
    }

    /** {@code POST /sdapi/v1/interrupt} and {@code /skip}. */
    void wish(Context context, Wish wish) {
        current(context).ifPresent(job -> jobs.wish(job.id(), wish));
    }
}
