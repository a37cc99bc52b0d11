package dev.atelier.server.worker;

import dev.atelier.server.db.Json;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What a job has in the store. */
public final class JobFiles {
    private JobFiles() {}

    /** The keys of the pictures that its request brought and of those that it made. */
    public static List<String> of(Job job) {
        List<String> keys = new ArrayList<>();
        if (job.kind() == JobKind.GENERATE) {
            StartImage start =
                    Json.MAPPER.treeToValue(job.request(), GenerateTask.class).start();
            if (start != null) {
                keys.add(start.image());
                if (start.mask() != null) {
                    keys.add(start.mask().image());
                }
            }
            JsonNode result = job.result();
            if (result != null) {
                images(result).forEach(image -> keys.add(image.key()));
            }
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
