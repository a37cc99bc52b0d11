package dev.atelier.server.novita;

import dev.atelier.server.http.Body;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobState;
import dev.atelier.server.novita.Results.Result;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** {@code /v3/async/*}. */
record V3Routes(V3Requests requests, Tasks tasks, Results results) {
    static final int MAX_BODY = 128 << 20;

    Handler submit(BiFunction<V3Requests, Fields, Drawing> read) {
        return context -> {
            String owner = WebServer.owner(context);
            Drawing drawing = read.apply(requests.of(owner), Fields.of(Body.text(context, MAX_BODY)));
            context.json(Map.of("task_id", tasks.submit(owner, context.path(), drawing, Results.server(context))));
        };
    }

    void result(Context context) throws InterruptedException {
        Result result = results.find(context, WebServer.owner(context));
        context.json(answer(results, result, Results.server(context)));
    }

    /** What a webhook says. */
    static Map<String, @Nullable Object> answer(Results results, Result result) {
        return answer(results, result, String.valueOf(result.task().server()));
    }

    private static Map<String, @Nullable Object> answer(Results results, Result result, String server) {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("extra", extra(result));
        answer.put("task", task(result));
        answer.put("images", images(results, server, result));
        answer.put("videos", List.of());
        answer.put("audios", List.of());
        return answer;
    }

    private static Map<String, Object> task(Result result) {
        Map<String, Object> task = new LinkedHashMap<>();
        task.put("task_id", result.task().id());
        task.put("task_type", result.task().type().name());
        task.put(
                "status",
                switch (result.state()) {
                    case QUEUED -> "TASK_STATUS_QUEUED";
                    case RUNNING -> "TASK_STATUS_PROCESSING";
                    case SUCCEEDED -> "TASK_STATUS_SUCCEED";
                    // the Python client dies of any other word
                    case FAILED, CANCELLED -> "TASK_STATUS_FAILED";
                });
        task.put("reason", result.error());
        task.put("eta", result.eta());
        task.put("progress_percent", (int) Math.floor(100 * result.fraction()));
        return task;
    }

    /** Always an object: the Python client looks into it when a task is done. */
    private static Map<String, Object> extra(Result result) {
        Map<String, Object> extra = new LinkedHashMap<>();
        boolean isDrawn =
                result.task().type() != TaskType.UPSCALE && !result.images().isEmpty();
        if (result.state() == JobState.SUCCEEDED && isDrawn) {
            extra.put("seed", Long.toString(result.images().getFirst().seed()));
        }
        extra.put("enable_nsfw_detection", false);
        if (result.task().webhook() != null) {
            extra.put("webhook", Map.of("url", result.task().webhook()));
        }
        Job job = result.job();
        if (job != null && job.state().isFinal()) {
            extra.put(
                    "debug_info",
                    Map.of(
                            "request_info", job.request().toString(),
                            "submit_time_ms", millis(job.createdAt()),
                            "execute_time_ms", millis(job.startedAt()),
                            "complete_time_ms", millis(job.finishedAt())));
        }
        return extra;
    }

    private static String millis(@Nullable Instant time) {
        return time == null ? "0" : Long.toString(time.toEpochMilli());
    }

    private static List<Map<String, @Nullable Object>> images(Results results, String server, Result result) {
        return results.addresses(server, result)
                .map(address -> {
                    Map<String, @Nullable Object> image = new LinkedHashMap<>();
                    image.put("image_url", address);
                    image.put("image_url_ttl", Integer.toString(result.task().linkTtl()));
                    image.put("image_type", result.task().imageType().label());
                    image.put("nsfw_detection_result", null);
                    return image;
                })
                .toList();
    }
}
