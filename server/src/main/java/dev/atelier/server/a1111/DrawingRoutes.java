package dev.atelier.server.a1111;

import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.Infotext;
import dev.atelier.diffusion.PngFile;
import dev.atelier.server.a1111.DrawingInfo.Drawn;
import dev.atelier.server.db.Json;
import dev.atelier.server.http.Answer;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.worker.GenerateResult;
import dev.atelier.server.worker.GenerateTask;
import io.javalin.http.Context;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code txt2img} and {@code img2img}: a request becomes a job, and the call waits for it. */
final class DrawingRoutes {
    private static final int MAX_BODY = 128 << 20;

    private final Jobs jobs;
    private final FinishedJobs finished;
    private final Options options;
    private final DrawingTasks tasks;
    private final DrawingInfo info;
    private final TaskIds taskIds;

    DrawingRoutes(Jobs jobs, FinishedJobs finished, Options options, DrawingTasks tasks, TaskIds taskIds) {
        this.jobs = jobs;
        this.finished = finished;
        this.options = options;
        this.tasks = tasks;
        this.info = new DrawingInfo(options, tasks);
        this.taskIds = taskIds;
    }

    void txt2img(Context context) throws IOException, InterruptedException {
        Values values = Requests.TXT2IMG.read(body(context));
        draw(context, values, "txt2img", values.echo());
    }

    void img2img(Context context) throws IOException, InterruptedException {
        Values values = Requests.IMG2IMG.read(body(context));
        // a client in Java refuses fields that it does not know, so it gets back those that it sent
        Map<String, @Nullable Object> echo = values.echoGiven();
        if (!values.isTrue("include_init_images")) {
            echo.replace("init_images", null);
            echo.replace("mask", null);
        }
        draw(context, values, "img2img", echo);
    }

    private static JsonNode body(Context context) {
        return InfotextFields.fill(FieldList.json(Body.text(context, MAX_BODY)));
    }

    private void draw(Context context, Values values, String mode, Map<String, @Nullable Object> echo)
            throws IOException, InterruptedException {
        Optional<Script> script;
        try {
            script = Script.of(values);
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
        if (script.isPresent()) {
            drawAll(context, values, script.get(), mode, echo);
            return;
        }
        Drawn drawn = draw(context, values, tasks.task(values), mode);
        answer(context, values, echo, finished.images(drawn.result()), info.of(List.of(drawn)));
    }

    /** One after the other, so that progress and interruptions are those of the picture that is being drawn. */
    private void drawAll(Context context, Values values, Script script, String mode, Map<String, @Nullable Object> echo)
            throws IOException, InterruptedException {
        List<Values> requests = new ArrayList<>();
        for (Script.Cell cell : script.cells()) {
            requests.add(values.list().read(cell.body()));
            tasks.task(requests.getLast()); // before anything is drawn
        }
        @Nullable Drawn[] drawn = new Drawn[requests.size()];
        String before = "";
        for (int i = 0; i < drawn.length; i++) {
            Values request = requests.get(i);
            if (script.isLoop() && i > 0) {
                ObjectNode body = script.cells().get(i).body().deepCopy();
                body.putArray("init_images").add(before);
                request = values.list().read(body);
            }
            Drawn one = draw(context, request, tasks.task(request), mode);
            drawn[script.cells().get(i).place()] = one;
            before = script.isLoop()
                    ? Base64.getEncoder()
                            .encodeToString(finished.images(one.result()).getFirst())
                    : "";
        }
        List<Drawn> all = Arrays.stream(drawn).map(Objects::requireNonNull).toList();
        List<byte[]> pictures = new ArrayList<>();
        List<BufferedImage> firsts = new ArrayList<>();
        for (Drawn one : all) {
            List<byte[]> images = finished.images(one.result());
            pictures.addAll(images);
            firsts.add(ImageFile.read(images.getFirst()));
        }
        GenerateResult.Image first = all.getFirst().result().images().getFirst();
        Infotext infotext = Infotext.parse(first.infotext());
        Map<String, String> parameters = new LinkedHashMap<>(infotext.parameters());
        parameters.putAll(script.parameters());
        String ofSheet = new Infotext(infotext.prompt(), infotext.negativePrompt(), parameters).text();
        List<byte[]> images = new ArrayList<>();
        for (BufferedImage sheet : script.sheets().of(firsts)) {
            images.add(PngFile.encode(new GeneratedImage(sheet, first.seed(), ofSheet)));
        }
        Map<String, @Nullable Object> ofAll = info.of(all);
        List<String> infotexts = new ArrayList<>(Collections.nCopies(images.size(), ofSheet));
        ofAll.put("index_of_first_image", images.size());
        if (script.keepsPictures()) {
            images.addAll(pictures);
            all.forEach(one -> one.result().images().forEach(image -> infotexts.add(image.infotext())));
        }
        ofAll.put("infotexts", infotexts);
        answer(context, values, echo, images, ofAll);
    }

    private Drawn draw(Context context, Values values, GenerateTask task, String mode) throws InterruptedException {
        Job job = jobs.submit(JobKind.GENERATE, WebServer.owner(context), task.model(), Json.MAPPER.valueToTree(task));
        taskIds.put(values.text("force_task_id"), mode, job.id());
        GenerateResult result = finished.await(job);
        JsonNode overrides = values.json("override_settings");
        if (overrides != null && !values.isTrue("override_settings_restore_afterwards")) {
            options.keep(overrides);
        }
        return new Drawn(values, task, result);
    }

    private static void answer(
            Context context,
            Values values,
            Map<String, @Nullable Object> echo,
            List<byte[]> images,
            Map<String, @Nullable Object> info)
            throws IOException {
        Map<String, @Nullable Object> response = new LinkedHashMap<>();
        response.put("images", values.isTrue("send_images") ? images : List.of());
        response.put("parameters", echo);
        response.put("info", Json.MAPPER.writeValueAsString(info));
        Answer.json(context, response);
    }
}
