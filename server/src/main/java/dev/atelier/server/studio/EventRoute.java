package dev.atelier.server.studio;

import dev.atelier.server.db.Json;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.ActiveJob;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.Jobs;
import io.javalin.http.Context;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * {@code GET /api/v1/events}: what happens to one's jobs, as server-sent events of the type {@code job}. One stream tells of
 * all jobs, because a browser opens only six connections to a server. A stream begins with what is waiting and running.
 */
final class EventRoute {
    private static final int MAX_STREAMS = 256;
    private static final int MAX_OF_ONE = 64;
    private static final int MAX_JOBS = 500;
    private static final long HEARTBEAT = TimeUnit.SECONDS.toNanos(10);

    private final Jobs jobs;
    private final JobViews views;
    private final Semaphore streams = new Semaphore(MAX_STREAMS);
    private final Map<String, Semaphore> ofOwners = new ConcurrentHashMap<>();

    EventRoute(Jobs jobs) {
        this.jobs = jobs;
        this.views = new JobViews(jobs);
    }

    private interface Teller {
        void tell(OutputStream out) throws IOException, InterruptedException;
    }

    void stream(Context context) throws InterruptedException {
        String owner = WebServer.owner(context);
        open(context, out -> tell(owner, out));
    }

    private void open(Context context, Teller teller) throws InterruptedException {
        Semaphore own = ofOwners.computeIfAbsent(WebServer.owner(context), _ -> new Semaphore(MAX_OF_ONE));
        if (!own.tryAcquire()) {
            throw new HttpError(503, "%d of your pages are watching already".formatted(MAX_OF_ONE));
        }
        if (!streams.tryAcquire()) {
            own.release();
            throw new HttpError(503, "%d pages are watching already".formatted(MAX_STREAMS));
        }
        try {
            HttpServletResponse response = context.res();
            response.setContentType("text/event-stream");
            response.setCharacterEncoding("UTF-8");
            response.setHeader("Cache-Control", "no-store");
            response.setHeader("X-Accel-Buffering", "no");
            teller.tell(response.getOutputStream());
        } catch (IOException _) {
            // the page is closed
        } finally {
            streams.release();
            own.release();
        }
    }

    /** {@code GET /api/v1/jobs/{id}/events}: what happens to one job, until it has ended. */
    void streamJob(Context context, Job job) throws InterruptedException {
        open(context, out -> tellOf(job.id(), out));
    }

    private void tellOf(String id, OutputStream out) throws IOException, InterruptedException {
        ActiveJob told = null;
        long written = System.nanoTime();
        while (!Thread.currentThread().isInterrupted()) {
            long seen = jobs.changes();
            Optional<Job> job = jobs.find(id);
            StringBuilder news = new StringBuilder();
            if (job.isEmpty() || job.get().state().isFinal()) {
                job.ifPresent(done -> append(news, views.of(done)));
                out.write(news.toString().getBytes(StandardCharsets.UTF_8));
                out.flush();
                return;
            }
            ActiveJob now = new ActiveJob(id, job.get().kind(), job.get().state(), jobs.progress(id));
            if (!now.equals(told)) {
                told = now;
                append(news, event(now));
            } else if (System.nanoTime() - written > HEARTBEAT) {
                news.append(":\n\n");
            }
            if (!news.isEmpty()) {
                out.write(news.toString().getBytes(StandardCharsets.UTF_8));
                out.flush();
                written = System.nanoTime();
            }
            jobs.awaitChange(seen);
        }
    }

    private void tell(String owner, OutputStream out) throws IOException, InterruptedException {
        Map<String, ActiveJob> told = new HashMap<>();
        out.write("retry: 1000\n\n".getBytes(StandardCharsets.UTF_8));
        out.flush();
        long written = System.nanoTime();
        while (!Thread.currentThread().isInterrupted()) {
            long seen = jobs.changes();
            StringBuilder news = news(owner, told);
            if (news.isEmpty() && System.nanoTime() - written > HEARTBEAT) {
                news.append(":\n\n");
            }
            if (!news.isEmpty()) {
                out.write(news.toString().getBytes(StandardCharsets.UTF_8));
                out.flush();
                written = System.nanoTime();
            }
            jobs.awaitChange(seen);
        }
    }

    private StringBuilder news(String owner, Map<String, ActiveJob> told) {
        StringBuilder news = new StringBuilder();
        List<ActiveJob> active = jobs.active(owner, MAX_JOBS);
        Set<String> gone = new HashSet<>(told.keySet());
        for (ActiveJob job : active) {
            gone.remove(job.id());
            if (!job.equals(told.put(job.id(), job))) {
                append(news, event(job));
            }
        }
        for (String id : gone) {
            told.remove(id);
            jobs.find(id).ifPresent(job -> append(news, views.of(job)));
        }
        return news;
    }

    private static Map<String, Object> event(ActiveJob job) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("id", job.id());
        event.put("kind", JobViews.word(job.kind()));
        event.put("state", JobViews.word(job.state()));
        event.put("progress", JobViews.progress(job.progress()));
        return event;
    }

    private static void append(StringBuilder news, Map<String, ?> event) {
        news.append("event: job\ndata: ")
                .append(Json.MAPPER.writeValueAsString(event))
                .append("\n\n");
    }
}
