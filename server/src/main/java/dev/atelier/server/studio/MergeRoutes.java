package dev.atelier.server.studio;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.merge.expression.ModelNames;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.merge.recipe.Recipe;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.worker.GenerateTask;
import dev.atelier.server.worker.WriteTask;
import io.javalin.http.Context;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Making models of models: what it would be, how it would draw, and the job that writes it. */
final class MergeRoutes {
    private static final int MAX_CELLS = 25;

    private final Jobs jobs;
    private final ModelLibrary library;
    private final PictureRoutes pictures;

    MergeRoutes(Jobs jobs, ModelLibrary library, PictureRoutes pictures) {
        this.jobs = jobs;
        this.library = library;
        this.pictures = pictures;
    }

    /** {@code POST /api/v1/merges/plan}: what the merge would be; nothing is written. */
    void plan(Context context) {
        context.json(JsonBody.read(context, MergeRequest.class).plan(library).plan());
    }

    /** {@code POST /api/v1/merges}: writes it. */
    void merge(Context context) {
        MergeRequest request = JsonBody.read(context, MergeRequest.class);
        NewModel model = request.plan(library);
        submit(context, JobKind.MERGE, model, request.task(model));
    }

    /** {@code POST /api/v1/conversions}. */
    void convert(Context context) {
        ConvertRequest request = JsonBody.read(context, ConvertRequest.class);
        NewModel model = request.plan(library);
        submit(context, JobKind.CONVERT, model, request.task(model));
    }

    private void submit(Context context, JobKind kind, NewModel model, WriteTask task) {
        Job job = model.submit(jobs, kind, WebServer.owner(context), task);
        context.status(202).json(Map.of("job", job.id(), "file", model.file()));
    }

    private record Grid(
            @Nullable MergeRequest merge,
            @Nullable PictureRequest picture,
            @Nullable List<Double> multipliers) {}

    /** {@code POST /api/v1/merges/grid}: the same picture of virtual merges, one for each multiplier. */
    void grid(Context context) {
        Grid grid = JsonBody.read(context, Grid.class);
        if (grid.merge() == null || grid.picture() == null || grid.multipliers() == null) {
            throw new HttpError(422, "a grid has merge, picture and multipliers");
        }
        boolean areNumbers = grid.multipliers().stream().noneMatch(Objects::isNull);
        if (!areNumbers || grid.multipliers().isEmpty() || grid.multipliers().size() > MAX_CELLS) {
            throw new HttpError(422, "a grid has 1 to %d multipliers".formatted(MAX_CELLS));
        }
        MergeRequest merge = grid.merge();
        PictureRequest picture = grid.picture();
        ModelNames names = library.shelf().names();
        String owner = WebServer.owner(context);
        List<String> expressions = grid.multipliers().stream()
                .map(m -> merge.at(m).expression(names))
                .toList();
        GenerateTask task = pictures.task(picture);
        context.status(202)
                .json(Map.of(
                        "cells",
                        expressions.stream()
                                .map(expression -> Map.of(
                                        "expression",
                                        expression,
                                        "job",
                                        pictures.submit(task.with(picture.drawnBy(expression, library.shelf())), owner)
                                                .id()))
                                .toList()));
    }

    /** {@code POST /api/v1/merges/metadata}: that of all models together, those of later ones before those of earlier. */
    void metadata(Context context) {
        ResolvedModel model = library.shelf()
                .resolve(JsonBody.read(context, MergeRequest.class)
                        .expression(library.shelf().names()));
        Map<String, String> all = new LinkedHashMap<>();
        model.inputs()
                .values()
                .forEach(file -> all.putAll(Checkpoints.open(file).metadata()));
        all.remove("modelspec.thumbnail");
        all.keySet().removeAll(Recipe.KEYS);
        context.json(Map.of("metadata", all));
    }
}
