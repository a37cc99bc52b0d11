package dev.atelier.server.worker;

import dev.atelier.server.db.Json;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.Lane;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** What a job has in the store. */
public final class JobFiles {
    private JobFiles() {}

    /** The keys of the pictures that its request brought and of those that it made. */
    public static List<String> of(Job job) {
        List<String> keys = new ArrayList<>();
        if (job.kind() == JobKind.GENERATE) {
            GenerateTask task = Json.MAPPER.treeToValue(job.request(), GenerateTask.class);
            StartImage start = task.start();
            if (task.extras() != null) {
                task.extras().controls().stream()
                        .flatMap(control -> Stream.ofNullable(control.image()))
                        .forEach(keys::add);
            }
            if (start != null) {
                keys.add(start.image());
                if (start.others() != null) {
                    keys.addAll(start.others());
                }
                if (start.mask() != null) {
                    keys.add(start.mask().image());
                }
            }
        }
        if (job.kind() == JobKind.UPSCALE) {
            keys.add(Json.MAPPER.treeToValue(job.request(), UpscaleTask.class).image());
        }
        JsonNode result = job.result();
        if (result != null && job.kind().lane() == Lane.GENERATE) {
            images(result).forEach(image -> keys.add(image.key()));
        }
        if (job.kind() == JobKind.TRAIN) {
            Json.MAPPER
                    .treeToValue(job.request(), TrainTask.class)
                    .pictures()
                    .forEach(picture -> keys.add(picture.key()));
            keys.addAll(
                    job.result() == null
                            ? List.of(TrainReport.key(job.id()))
                            : Json.MAPPER
                                    .treeToValue(job.result(), TrainResult.class)
                                    .keys());
        }
        return keys;
    }

    private static List<GenerateResult.Image> images(JsonNode result) {
        return Json.MAPPER.treeToValue(result, GenerateResult.class).images();
    }
}
