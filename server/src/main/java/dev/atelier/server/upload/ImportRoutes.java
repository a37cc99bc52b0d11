package dev.atelier.server.upload;

import dev.atelier.server.db.Json;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.outbound.Hosts;
import dev.atelier.server.outbound.Outbound;
import dev.atelier.server.outbound.RefusedException;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Models from addresses, two at a time. What is being fetched is lost when the server stops. */
final class ImportRoutes implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ImportRoutes.class);
    private static final int MAX_BODY = 1 << 16;
    private static final int AT_ONCE = 2;
    private static final int REMEMBERED = 1000;
    private static final int BUFFER = 1 << 16;

    private final Intake intake;
    private final Outbound outbound;
    private final Hosts allowed;
    private final Map<String, State> states = new ConcurrentHashMap<>();
    private final ExecutorService fetchers = Executors.newFixedThreadPool(
            AT_ONCE, Thread.ofVirtual().name("import").factory());

    ImportRoutes(Intake intake, Outbound outbound, Hosts allowed) {
        this.intake = intake;
        this.outbound = outbound;
        this.allowed = allowed;
    }

    /**
     * @param total bytes; −1 if unknown
     * @param model the name that it has now, once it is there
     * @param error one sentence, once it has failed
     */
    private record State(
            String owner,
            long done,
            long total,
            @Nullable String model,
            @Nullable String error) {}

    /** Begins one: {@code url}, and perhaps {@code name}, {@code sha256} and {@code private}. */
    void create(Context context) throws IOException {
        JsonNode request = request(context);
        URI url = url(request);
        if (states.size() >= REMEMBERED) {
            states.values().removeIf(state -> state.model() != null || state.error() != null);
        }
        String path = url.getPath();
        String name = request.path("name").asString(path.substring(path.lastIndexOf('/') + 1));
        JsonNode sha256 = request.get("sha256");
        String owner = WebServer.owner(context);
        Incoming incoming = intake.begin(
                owner,
                name,
                -1,
                sha256 == null || sha256.isNull() ? null : sha256.asString(),
                request.path("private").asBoolean(false));
        states.put(incoming.id(), new State(owner, 0, -1, null, null));
        fetchers.execute(() -> fetch(incoming, url));
        context.status(202).json(Map.of("import", incoming.id()));
    }

    private static JsonNode request(Context context) {
        try {
            JsonNode request = Json.MAPPER.readTree(Body.text(context, MAX_BODY));
            if (request.isObject()) {
                return request;
            }
        } catch (JacksonException _) {
            // said below
        }
        throw new HttpError(422, "the body is a JSON object with an url");
    }

    private URI url(JsonNode request) {
        try {
            URI url = new URI(request.path("url").asString(""));
            outbound.checkDownload(url, allowed);
            return url;
        } catch (URISyntaxException | RefusedException e) {
            throw new HttpError(422, "url: " + e.getMessage());
        }
    }

    private void fetch(Incoming incoming, URI url) {
        String id = incoming.id();
        String owner = incoming.owner();
        try {
            download(incoming, url);
            String model = intake.accept(incoming);
            states.computeIfPresent(id, (_, state) -> new State(owner, state.done(), state.done(), model, null));
            LOG.info("{} is there, from {}", model, url.getHost());
        } catch (IOException | RuntimeException e) {
            LOG.info("{} could not be fetched: {}", url.getHost(), e.getMessage());
            fail(incoming, String.valueOf(e.getMessage()));
        } catch (InterruptedException _) {
            fail(incoming, "the server was stopped");
        }
    }

    private void fail(Incoming incoming, String error) {
        states.computeIfPresent(
                incoming.id(), (_, state) -> new State(incoming.owner(), state.done(), state.total(), null, error));
        try {
            intake.forget(incoming);
        } catch (IOException e) {
            LOG.warn("{} is left over", intake.part(incoming), e);
        }
    }

    private void download(Incoming incoming, URI url) throws IOException, InterruptedException {
        try (Outbound.Download download = outbound.download(url, allowed);
                OutputStream out = Files.newOutputStream(intake.part(incoming))) {
            requireSize(download.size());
            InputStream in = download.content();
            byte[] buffer = new byte[BUFFER];
            long done = 0;
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                done += read;
                requireSize(done);
                out.write(buffer, 0, read);
                states.put(incoming.id(), new State(incoming.owner(), done, download.size(), null, null));
            }
            if (download.size() >= 0 && done != download.size()) {
                throw new IOException("%d bytes of %d arrived".formatted(done, download.size()));
            }
        }
    }

    private void requireSize(long bytes) {
        if (bytes > intake.maxBytes()) {
            throw new HttpError(
                    413, "it has more than the %d bytes that a model may have".formatted(intake.maxBytes()));
        }
    }

    /** How far one is. */
    void show(Context context) {
        State state = states.get(context.pathParam("id"));
        if (state == null || !state.owner().equals(WebServer.owner(context))) {
            throw new HttpError(404, "there is no such import");
        }
        Map<String, @Nullable Object> view = new LinkedHashMap<>();
        view.put("state", state.error() != null ? "failed" : state.model() != null ? "succeeded" : "running");
        view.put("done", state.done());
        view.put("total", state.total());
        view.put("model", state.model());
        view.put("error", state.error());
        context.json(view);
    }

    @Override
    public void close() {
        fetchers.shutdownNow();
    }
}
