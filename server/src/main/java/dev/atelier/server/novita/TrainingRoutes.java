package dev.atelier.server.novita;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.server.db.Json;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.JobState;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.key.Order;
import dev.atelier.server.key.Price;
import dev.atelier.server.link.LinkApi;
import dev.atelier.server.link.Links;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.server.worker.TrainTask;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** {@code /v3/training*}: LoRAs from pictures that were sent before, each to an address of its own. */
record TrainingRoutes(Jobs jobs, ObjectStore store, Links links, ModelNames models, ApiKeys keys, Ledger ledger) {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Pattern ASSET = Pattern.compile("[0-9a-f]{32}");
    private static final Duration SLOT = Duration.ofHours(1);
    private static final int MAX_PICTURES = 50;
    private static final int PAGE = 10;
    private static final int MAX_LISTED = 100;

    /** {@code POST /v3/assets/training_dataset}: where to send a picture. */
    void slot(Context context) {
        String extension = Fields.of(Body.text(context, V3Routes.MAX_BODY)).text("file_extension");
        if (!List.of("png", "jpeg", "").contains(extension)) {
            throw new ProblemException(Problem.IMAGE_FORMAT, "file_extension: this server reads png and jpeg");
        }
        String id = hex(16);
        String host = context.host();
        context.json(Map.of(
                "assets_id",
                id,
                "upload_url",
                Results.server(context) + links.path(key(id), Instant.now().plus(SLOT)),
                "method",
                "PUT",
                "headers",
                Map.of("Host", Map.of("values", List.of(host == null ? "" : host)))));
    }

    private static String key(String asset) {
        return LinkApi.ASSETS + asset;
    }

    private static String hex(int bytes) {
        byte[] random = new byte[bytes];
        RANDOM.nextBytes(random);
        return HexFormat.of().formatHex(random);
    }

    /** {@code POST /v3/training/subject} and {@code style}. */
    Handler train(boolean isSubject) {
        return context -> {
            String owner = WebServer.owner(context);
            TrainTask task = task(Fields.of(Body.text(context, V3Routes.MAX_BODY)), owner, isSubject);
            Supplier<String> submit = () -> jobs.submit(JobKind.TRAIN, owner, null, Json.MAPPER.valueToTree(task))
                    .id();
            String id = keys.find(owner)
                    .map(key -> ledger.charge(key, order(context.path(), task), submit))
                    .orElseGet(submit);
            context.json(Map.of("task_id", id));
        };
    }

    /** No picture is drawn for the caller, so that limits on pictures do not count it. */
    private static Order order(String endpoint, TrainTask task) {
        long cost = Price.ofTraining(task.side(), task.steps(), task.batch());
        return new Order(endpoint, task.model(), 0, task.side(), task.side(), task.steps(), cost);
    }

    private TrainTask task(Fields request, String owner, boolean isSubject) throws IOException {
        String name = request.requiredText("name", 100);
        String base = models.visibleTo(owner).checkpoint("base_model", request.requiredText("base_model", 2000));
        int side = Math.min(request.requiredInteger("width", 64, 2048), request.requiredInteger("height", 64, 2048));
        List<TrainTask.Picture> pictures = new ArrayList<>();
        for (Fields item : request.objects("image_dataset_items", MAX_PICTURES)) {
            String asset = item.requiredText("assets_id", 100);
            if (!ASSET.matcher(asset).matches() || store.read(key(asset)).isEmpty()) {
                throw new ProblemException(
                        Problem.INVALID, "%s: no picture was sent for it".formatted(item.path("assets_id")));
            }
            pictures.add(new TrainTask.Picture(key(asset), item.text("caption", 1024)));
        }
        if (pictures.isEmpty()) {
            throw new ProblemException(Problem.INVALID, "image_dataset_items: there are no pictures to train with");
        }
        Fields expert = request.object("expert_setting");
        String instance = isSubject
                ? expert.requiredText("instance_prompt", 1024)
                : Optional.of(expert.text("instance_prompt", 1024))
                        .filter(text -> !text.isEmpty())
                        .orElse(name);
        String classPrompt = expert.text("class_prompt", 1024);
        long seed = expert.integer("seed", -1L, Long.MAX_VALUE >> 11, -1L);
        String folder = owner.equals(Jobs.LOCAL) ? "" : "%s/%s/".formatted(ModelFile.PRIVATE, owner);
        String file = "%s%s-%s.safetensors".formatted(folder, name.replaceAll("[^A-Za-z0-9_-]", "_"), hex(5));
        return new TrainTask(
                base,
                TrainTask.Method.LORA,
                file,
                pictures,
                instance,
                expert.isTrue("with_prior_preservation") && !classPrompt.isEmpty() ? classPrompt : null,
                50,
                expert.integer("max_train_steps", 1, 1_000_000, 500),
                expert.integer("train_batch_size", 1, 4, 1),
                expert.number("learning_rate", 1e-8, 1, 1e-4),
                expert.integer("lora_r", 4, 128, 16),
                expert.isTrue("train_text_encoder"),
                side / 8 * 8,
                false,
                List.of(),
                0,
                seed == -1 ? GenerationRequest.randomSeed() : seed);
    }

    /** {@code GET /v3/training/subject} and {@code style}, either for any training. */
    void show(Context context) {
        String id = Optional.ofNullable(context.queryParam("task_id")).orElse("");
        Job job = jobs.find(id)
                .filter(found -> found.kind() == JobKind.TRAIN && found.owner().equals(WebServer.owner(context)))
                .orElseThrow(() -> new ProblemException(Problem.NO_TASK, "there is no training \"%s\"".formatted(id)));
        double fraction =
                job.state() == JobState.SUCCEEDED ? 1 : jobs.progress(id).fraction();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("task_id", id);
        answer.put("task_status", status(job));
        answer.put("model_type", "lora");
        answer.put("models", models(job));
        answer.put("extra", Map.of("eta_relative", eta(job, fraction), "progress_percent", (int)
                Math.floor(100 * fraction)));
        context.json(answer);
    }

    private static String status(Job job) {
        return switch (job.state()) {
            case QUEUED -> "QUEUING";
            case RUNNING -> "TRAINING";
            case SUCCEEDED -> "SUCCESS";
            case FAILED -> "FAILED";
            case CANCELLED -> "CANCELED";
        };
    }

    private static List<Map<String, String>> models(Job job) {
        return job.state() == JobState.SUCCEEDED
                ? List.of(Map.of("model_name", file(job), "model_status", "SERVING"))
                : List.of();
    }

    private static String file(Job job) {
        String file = job.request().path("file").asString("");
        return file.substring(file.lastIndexOf('/') + 1);
    }

    private static int eta(Job job, double fraction) {
        if (job.startedAt() == null || job.state() != JobState.RUNNING || fraction <= 0) {
            return 0;
        }
        double spent = Duration.between(job.startedAt(), Instant.now()).toMillis() / 1000.0;
        return (int) Math.round(spent / fraction - spent);
    }

    /** {@code GET /v3/training}: the newest first. */
    void list(Context context) {
        String limit =
                Optional.ofNullable(context.queryParam("pagination.limit")).orElse("");
        int count = limit.matches("\\d{1,3}") ? Math.clamp(Integer.parseInt(limit), 1, MAX_LISTED) : PAGE;
        String cursor = Optional.ofNullable(context.queryParam("pagination.cursor"))
                .filter(text -> text.startsWith("c_"))
                .map(text -> text.substring(2))
                .orElse(null);
        List<Job> page = jobs.list(WebServer.owner(context), JobKind.TRAIN, null, cursor, count + 1);
        boolean isLast = page.size() <= count;
        List<Job> shown = isLast ? page : page.subList(0, count);
        context.json(Map.of(
                "tasks",
                shown.stream().map(TrainingRoutes::listed).toList(),
                "pagination",
                Map.of("next_cursor", isLast ? "" : "c_" + shown.getLast().id())));
    }

    private static Map<String, Object> listed(Job job) {
        Map<String, Object> task = new LinkedHashMap<>();
        task.put("task_name", file(job).replaceFirst("-[0-9a-f]{10}\\.safetensors$", ""));
        task.put("task_id", job.id());
        task.put("task_type", "subject");
        task.put("task_status", status(job));
        task.put("created_at", job.createdAt().getEpochSecond());
        task.put("models", models(job));
        return task;
    }
}
