package dev.atelier.server.novita;

import dev.atelier.server.http.Body;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.novita.Results.Result;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** {@code /v2/*}: every answer is an envelope, and HTTP always says 200. */
record V2Routes(V2Requests requests, Tasks tasks, Results results) {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneOffset.UTC);

    /** The envelope of an answer, or of a problem where {@code data} is null. */
    static Map<String, @Nullable Object> envelope(int code, String message, @Nullable Object data) {
        Map<String, @Nullable Object> envelope = new LinkedHashMap<>();
        envelope.put("code", code);
        envelope.put("msg", message);
        envelope.put("data", data);
        return envelope;
    }

    Handler submit(BiFunction<V2Requests, Fields, Drawing> read) {
        return context -> {
            String owner = WebServer.owner(context);
            Drawing drawing = read.apply(requests.of(owner), Fields.of(Body.text(context, V3Routes.MAX_BODY)));
            String id = tasks.submit(owner, context.path(), drawing, Results.server(context));
            context.json(envelope(0, "", Map.of("task_id", id)));
        };
    }

    void progress(Context context) throws InterruptedException {
        Result result = results.find(context, WebServer.owner(context));
        Job job = result.job();
        Map<String, @Nullable Object> data = new LinkedHashMap<>();
        data.put(
                "status",
                switch (result.state()) {
                    case QUEUED -> 0;
                    case RUNNING -> 1;
                    case SUCCEEDED -> 2;
                    case FAILED, CANCELLED -> 3;
                });
        data.put("progress", result.fraction());
        data.put("eta_relative", result.eta());
        data.put("imgs", results.addresses(Results.server(context), result).toList());
        data.put("failed_reason", result.error());
        data.put("current_images", List.of(""));
        data.put("submit_time", time(result.task().createdAt()));
        data.put("execution_time", time(job == null ? null : job.startedAt()));
        data.put("txt2img_time", time(job == null ? null : job.finishedAt()));
        data.put("finish_time", time(job == null ? null : job.finishedAt()));
        data.put("info", "");
        context.json(envelope(0, "", data));
    }

    private static String time(@Nullable Instant time) {
        return time == null ? "" : TIME.format(time);
    }
}
