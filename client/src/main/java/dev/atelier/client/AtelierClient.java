package dev.atelier.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A server of Atelier. Every call that the server refuses throws {@link AtelierException}; where it cannot be reached, an
 * {@link UncheckedIOException}. Thread-safe.
 */
public final class AtelierClient implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final Duration INTERVAL = Duration.ofMillis(250);

    private final URI server;
    private final @Nullable String authorization;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();

    private AtelierClient(URI server, @Nullable String authorization) {
        this.server = server;
        this.authorization = authorization;
    }

    /** @param server such as {@code http://127.0.0.1:7860} */
    public static AtelierClient of(String server) {
        return new AtelierClient(URI.create(server.endsWith("/") ? server : server + "/"), null);
    }

    /** The same server with a user of its {@code --api-auth}. */
    public AtelierClient as(String user, String password) {
        String credentials =
                Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
        return new AtelierClient(server, "Basic " + credentials);
    }

    /** Draws, and returns when the pictures are ready. */
    public List<Picture> draw(PictureRequest request) throws InterruptedException {
        return await(submit(request), _ -> {}).images();
    }

    /**
     * Queues a drawing.
     *
     * @return the id of its job
     */
    public String submit(PictureRequest request) {
        return post("api/v1/pictures", JSON.writeValueAsString(request.fields()))
                .get("job")
                .asString();
    }

    public Job job(String id) {
        return job(get("api/v1/jobs/" + encoded(id)));
    }

    /** The newest jobs first, at most 50. */
    public List<Job> jobs() {
        List<Job> jobs = new ArrayList<>();
        get("api/v1/jobs").get("jobs").forEach(job -> jobs.add(job(job)));
        return jobs;
    }

    /**
     * Waits for a job.
     *
     * @param watcher hears how it goes, four times a second
     * @throws AtelierException if it fails or is cancelled
     */
    public Job await(String id, Consumer<Job> watcher) throws InterruptedException {
        while (true) {
            Job job = job(id);
            watcher.accept(job);
            if (job.isDone()) {
                if (!job.state().equals("succeeded")) {
                    throw new AtelierException(0, job.error() == null ? "the job was " + job.state() : job.error());
                }
                return job;
            }
            Thread.sleep(INTERVAL);
        }
    }

    /** Stops a job; @return whether it made a difference. */
    public boolean cancel(String id) {
        return post("api/v1/jobs/%s/cancel".formatted(encoded(id)), "")
                .get("changed")
                .asBoolean();
    }

    /** The same request as a new job; @return its id. */
    public String retry(String id) {
        return post("api/v1/jobs/%s/retry".formatted(encoded(id)), "")
                .get("job")
                .asString();
    }

    /** The bytes of a PNG file. */
    public byte[] download(Picture picture) {
        return send("GET", picture.url().substring(1), BodyPublishers.noBody(), BodyHandlers.ofByteArray());
    }

    /** The models whose names, titles or kinds have these words, at most 50; all for "". */
    public List<Model> models(String query) {
        List<Model> models = new ArrayList<>();
        get("api/v1/models?limit=50&q=" + encoded(query))
                .get("models")
                .forEach(model -> models.add(new Model(
                        model.path("name").asString(""),
                        model.path("kind").asString(""),
                        model.path("architecture").asString(""),
                        model.path("label").asString(""),
                        model.path("size").asLong(0),
                        model.path("sha256").isString() ? model.path("sha256").stringValue() : null)));
        return models;
    }

    private static Job job(JsonNode job) {
        List<Picture> images = new ArrayList<>();
        job.path("images")
                .forEach(image -> images.add(new Picture(
                        image.path("url").asString(),
                        image.path("seed").asLong(),
                        image.path("width").asInt(),
                        image.path("height").asInt(),
                        image.path("infotext").asString())));
        return new Job(
                job.path("id").asString(),
                job.path("kind").asString(),
                job.path("state").asString(),
                job.at("/progress/fraction").asDouble(0),
                job.path("ahead").isInt() ? job.path("ahead").intValue() : null,
                job.path("error").isString() ? job.path("error").stringValue() : null,
                List.copyOf(images));
    }

    private JsonNode get(String path) {
        return JSON.readTree(send("GET", path, BodyPublishers.noBody(), BodyHandlers.ofByteArray()));
    }

    private JsonNode post(String path, String body) {
        return JSON.readTree(send("POST", path, BodyPublishers.ofString(body), BodyHandlers.ofByteArray()));
    }

    private byte[] send(String method, String path, BodyPublisher body, BodyHandler<byte[]> handler) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(server.resolve(path)).timeout(TIMEOUT).method(method, body);
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        try {
            HttpResponse<byte[]> response = http.send(request.build(), handler);
            if (response.statusCode() / 100 != 2) {
                throw new AtelierException(response.statusCode(), message(response));
            }
            return response.body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(new IOException("interrupted", e));
        }
    }

    private static String message(HttpResponse<byte[]> response) {
        try {
            String error = JSON.readTree(response.body()).path("error").asString("");
            if (!error.isEmpty()) {
                return error;
            }
        } catch (JacksonException _) {
            // not our server, or something before it
        }
        return "the server answers " + response.statusCode();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        http.close();
    }
}
