package dev.atelier.server.a1111;

import dev.atelier.server.db.Json;
import dev.atelier.server.job.FailedJobException;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobState;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.server.worker.GenerateResult;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What has become of jobs: calls wait for it. */
record FinishedJobs(Jobs jobs, ObjectStore store) {
    private static final Duration LONGEST = Duration.ofHours(24);

    /** @throws FailedJobException with what the job says of its failure */
    GenerateResult await(Job job) throws InterruptedException {
        Job done = jobs.await(job.id(), LONGEST).orElseThrow(() -> new IllegalStateException("the job is gone"));
        if (done.state() != JobState.SUCCEEDED || done.result() == null) {
            throw new FailedJobException(
                    done.error() != null ? done.error() : "the job was %s".formatted(done.state()));
        }
        return Json.MAPPER.treeToValue(done.result(), GenerateResult.class);
    }

    /** PNG files; Jackson writes bytes as base64. */
    List<byte[]> images(GenerateResult result) throws IOException {
        List<byte[]> images = new ArrayList<>();
        for (GenerateResult.Image image : result.images()) {
            images.add(store.read(image.key())
                    .orElseThrow(() -> new IllegalStateException("the picture %s is gone".formatted(image.key()))));
        }
        return images;
    }
}
