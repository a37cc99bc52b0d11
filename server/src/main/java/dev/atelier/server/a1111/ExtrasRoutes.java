package dev.atelier.server.a1111;

import dev.atelier.diffusion.Upscaler;
import dev.atelier.server.db.Json;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.worker.Enlargement;
import dev.atelier.server.worker.GenerateResult;
import dev.atelier.server.worker.UpscaleTask;
import io.javalin.http.Context;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.JsonNode;

/** {@code extra-single-image} and {@code extra-batch-images}: finished pictures are enlarged, each by a job. */
record ExtrasRoutes(Jobs jobs, FinishedJobs finished, EncodedImages images, Upscalers upscalers) {

    void single(Context context) throws IOException, InterruptedException {
        Values values = Requests.EXTRAS_SINGLE.read(Body.text(context, EncodedImages.MAX_TEXT));
        Enlargement how = enlargement(values);
        UpscaleTask task = task(values.textOrEmpty("image"), how);
        context.json(Map.of("html_info", html(how), "image", enlarged(context, task)));
    }

    void batch(Context context) throws IOException, InterruptedException {
        Values values = Requests.EXTRAS_BATCH.read(Body.text(context, EncodedImages.MAX_TEXT));
        Enlargement how = enlargement(values);
        List<UpscaleTask> tasks = new ArrayList<>();
        for (JsonNode picture : Objects.requireNonNull(values.json("imageList"))) {
            tasks.add(task(picture.path("data").asString(""), how));
        }
        List<String> large = new ArrayList<>();
        for (UpscaleTask task : tasks) {
            large.add(enlarged(context, task));
        }
        context.json(Map.of("html_info", html(how), "images", large));
    }

    private static String html(Enlargement how) {
        return "<p>%s</p>".formatted(how.description());
    }

    private UpscaleTask task(String base64, Enlargement how) throws IOException {
        BufferedImage image = images.picture(base64);
        try {
            how.requireFits(image.getWidth(), image.getHeight());
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
        return new UpscaleTask(images.store(base64), how);
    }

    private String enlarged(Context context, UpscaleTask task) throws IOException, InterruptedException {
        GenerateResult result = finished.await(
                jobs.submit(JobKind.UPSCALE, WebServer.owner(context), null, Json.MAPPER.valueToTree(task)));
        return Base64.getEncoder().encodeToString(finished.images(result).getFirst());
    }

    private Enlargement enlargement(Values values) {
        boolean isToSize = values.integer("resize_mode", 0) == 1;
        return new Enlargement(
                upscaler(values, "upscaler_1").label(),
                upscaler(values, "upscaler_2").label(),
                values.number("extras_upscaler_2_visibility", 0),
                isToSize ? 0 : values.number("upscaling_resize", 2),
                side(values, "upscaling_resize_w"),
                side(values, "upscaling_resize_h"),
                !Boolean.FALSE.equals(values.values().get("upscaling_crop")),
                null);
    }

    private static int side(Values values, String field) {
        return Math.clamp(values.integer(field, 512), 1, 1 << 16);
    }

    private Upscaler upscaler(Values values, String field) {
        return upscalers.ofPixels(values.textOrEmpty(field));
    }
}
