package dev.atelier.server.studio;

import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.JobState;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.Wish;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.server.worker.GenerateResult;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What has been asked for, how far it is, and what came out. Everybody sees their own. */
final class JobRoutes {
    private static final int PAGE = 50;
    private static final int MAX_PAGE = 500;
    private static final String FOREVER = "private, max-age=31536000, immutable";

    private final Jobs jobs;
    private final ObjectStore store;
    private final JobViews views;

    JobRoutes(Jobs jobs, ObjectStore store) {
        this.jobs = jobs;
        this.store = store;
        this.views = new JobViews(jobs);
    }

    /** {@code GET /api/v1/jobs}: the newest first. */
    void list(Context context) {
        int limit = Http.number(context, "limit", PAGE, 1, MAX_PAGE);
        JobKind kind = constant(context, "kind", JobKind.values());
        JobState state = constant(context, "state", JobState.values());
        String before = context.queryParam("before");
        String owner = WebServer.owner(context);
        List<Job> page =
                kind == null ? jobs.list(owner, state, before, limit) : jobs.list(owner, kind, state, before, limit);
        context.json(Map.of("jobs", page.stream().map(views::of).toList()));
    }

    private static <E extends Enum<E>> @Nullable E constant(Context context, String name, E[] all) {
        String word = context.queryParam(name);
        if (word == null || word.isEmpty()) {
            return null;
        }
        return Arrays.stream(all)
                .filter(value -> JobViews.word(value).equals(word))
                .findFirst()
                .orElseThrow(() -> new HttpError(
                        422,
                        "%s is one of %s, not \"%s\""
                                .formatted(
                                        name,
                                        Arrays.stream(all).map(JobViews::word).toList(),
                                        word)));
    }

    /** {@code GET /api/v1/jobs/{id}}. */
    void show(Context context) {
        context.json(views.of(job(context)));
    }

    /** {@code GET /api/v1/jobs/{id}/preview}: what it looks like so far. */
    void preview(Context context) {
        byte[] png = jobs.preview(job(context).id()).orElseThrow(() -> new HttpError(404, "there is no preview yet"));
        context.header("Cache-Control", "no-store");
        Http.answer(context, "image/png", png);
    }

    /** {@code GET /api/v1/jobs/{id}/images/{index}}: a PNG file with its infotext. */
    void image(Context context) throws IOException {
        Job job = job(context);
        List<GenerateResult.Image> images = JobViews.results(job);
        String index = context.pathParam("index");
        if (!index.matches("\\d{1,4}") || Integer.parseInt(index) >= images.size()) {
            throw new HttpError(404, "the job has %d pictures, counted from 0".formatted(images.size()));
        }
        GenerateResult.Image image = images.get(Integer.parseInt(index));
        byte[] png = store.read(image.key()).orElseThrow(() -> new HttpError(404, "the picture is gone"));
        context.header("Cache-Control", FOREVER)
                .header("Content-Disposition", "inline; filename=\"%s-%d.png\"".formatted(job.id(), image.seed()));
        Http.answer(context, "image/png", png);
    }

    /** {@code POST /api/v1/jobs/{id}/cancel}, {@code interrupt} and {@code skip}. */
    void wish(Context context, Wish wish) {
        Job job = job(context);
        context.json(Map.of("changed", jobs.wish(job.id(), wish)));
    }

    /** {@code POST /api/v1/jobs/{id}/retry}: the same request as a new job. */
    void retry(Context context) {
        Job job = job(context);
        if (!job.state().isFinal()) {
            throw new HttpError(409, "the job is %s; cancel it first".formatted(JobViews.word(job.state())));
        }
        Job again = jobs.submit(job.kind(), job.owner(), job.model(), job.request());
        context.status(202).json(Map.of("job", again.id()));
    }

    /** The job that a path names, if it is the caller's. */
    Job job(Context context) {
        return jobs.find(context.pathParam("id"))
                .filter(job -> job.owner().equals(WebServer.owner(context)))
                .orElseThrow(() -> new HttpError(404, "there is no such job"));
    }
}
