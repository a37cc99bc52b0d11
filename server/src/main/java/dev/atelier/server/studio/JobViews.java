package dev.atelier.server.studio;

import dev.atelier.server.db.Json;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobProgress;
import dev.atelier.server.job.JobState;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.Lane;
import dev.atelier.server.worker.GenerateResult;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Jobs as this API shows them. */
final class JobViews {
    private final Jobs jobs;

    JobViews(Jobs jobs) {
        this.jobs = jobs;
    }

    Map<String, @Nullable Object> of(Job job) {
        Map<String, @Nullable Object> view = new LinkedHashMap<>();
        view.put("id", job.id());
        view.put("kind", word(job.kind()));
        view.put("state", word(job.state()));
        view.put("model", job.model());
        view.put("attempt", job.attempt());
        view.put("createdAt", job.createdAt());
        view.put("startedAt", job.startedAt());
        view.put("finishedAt", job.finishedAt());
        view.put("error", job.error());
        view.put("progress", progress(jobs.progress(job.id())));
        view.put("ahead", job.state() == JobState.QUEUED ? jobs.position(job) : null);
        view.put("request", job.request());
        if (job.kind().lane() == Lane.GENERATE) {
            view.put("images", images(job));
        } else {
            view.put("result", job.result());
        }
        return view;
    }

    static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    static Map<String, Object> progress(JobProgress progress) {
        return Map.of(
                "phase", progress.phase(),
                "done", progress.done(),
                "total", progress.total(),
                "fraction", progress.fraction(),
                "previews", progress.previews());
    }

    static List<GenerateResult.Image> results(Job job) {
        return job.result() == null || job.kind().lane() != Lane.GENERATE
                ? List.of()
                : Json.MAPPER.treeToValue(job.result(), GenerateResult.class).images();
    }

    private static List<Map<String, Object>> images(Job job) {
        List<GenerateResult.Image> images = results(job);
        return IntStream.range(0, images.size())
                .mapToObj(i -> image(job.id(), i, images.get(i)))
                .toList();
    }

    private static Map<String, Object> image(String job, int index, GenerateResult.Image image) {
        return Map.of(
                "url", "/api/v1/jobs/%s/images/%d".formatted(job, index),
                "seed", image.seed(),
                "width", image.width(),
                "height", image.height(),
                "infotext", image.infotext());
    }
}
