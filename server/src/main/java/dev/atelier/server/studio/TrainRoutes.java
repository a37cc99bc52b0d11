package dev.atelier.server.studio;

import dev.atelier.server.db.Json;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.server.worker.TrainReport;
import dev.atelier.server.worker.TrainTask;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.Map;

/** Trainings, and how they go. */
final class TrainRoutes {
    private final Jobs jobs;
    private final ObjectStore store;
    private final ModelLibrary library;
    private final PictureRoutes pictures;

    TrainRoutes(Jobs jobs, ObjectStore store, ModelLibrary library, PictureRoutes pictures) {
        this.jobs = jobs;
        this.store = store;
        this.library = library;
        this.pictures = pictures;
    }

    /** {@code POST /api/v1/trainings}. */
    void train(Context context) {
        TrainTask task = JsonBody.read(context, TrainRequest.class).task(library, pictures::keep);
        Job job = jobs.submit(JobKind.TRAIN, WebServer.owner(context), null, Json.MAPPER.valueToTree(task));
        context.status(202).json(Map.of("job", job.id(), "file", task.file()));
    }

    /** {@code GET /api/v1/jobs/{id}/training}: losses and names of samples so far. */
    void report(Context context) throws IOException {
        byte[] report = TrainReport.read(store, job(context).id());
        context.header("Cache-Control", "no-store");
        Http.answer(context, "application/json", report);
    }

    /** {@code GET /api/v1/jobs/{id}/training/{sample}}: a PNG file. */
    void sample(Context context) throws IOException {
        String name = context.pathParam("sample");
        if (!name.matches("[A-Za-z0-9-]{1,60}\\.png")) {
            throw new HttpError(404, "there is no such sample");
        }
        byte[] png = store.read(TrainReport.sampleKey(job(context).id(), name))
                .orElseThrow(() -> new HttpError(404, "there is no such sample"));
        context.header("Cache-Control", "private, max-age=31536000, immutable");
        Http.answer(context, "image/png", png);
    }

    private Job job(Context context) {
        return jobs.find(context.pathParam("id"))
                .filter(job -> job.kind() == JobKind.TRAIN && job.owner().equals(WebServer.owner(context)))
                .orElseThrow(() -> new HttpError(404, "there is no such training"));
    }
}
