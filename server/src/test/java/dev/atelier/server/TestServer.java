package dev.atelier.server;

import dev.atelier.Engine;
import dev.atelier.server.db.Json;
import dev.atelier.server.http.BasicAuth;
import dev.atelier.server.job.Worker;
import dev.atelier.server.outbound.Hosts;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** A real server on a free port, with the model that is part of Atelier, and a client for it. */
public final class TestServer implements AutoCloseable {
    private static final Worker.Pace QUICK =
            new Worker.Pace(Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(10));

    private final HttpClient client = HttpClient.newHttpClient();
    private final Server server;

    private TestServer(Server server) {
        this.server = server;
    }

    public static TestServer start(Path folder, BasicAuth auth) {
        return start(folder, auth, 1, 100);
    }

    /** One that takes no job. */
    public static TestServer full(Path folder) {
        return start(folder, null, 0, 0);
    }

    private static TestServer start(Path folder, BasicAuth auth, int workers, int queue) {
        return new TestServer(Server.start(new ServerOptions(
                "127.0.0.1",
                0,
                new WorkOptions(
                        Storage.in(folder.resolve("data")), folder.resolve("models"), workers, Engine.ONNX, QUICK),
                auth,
                queue,
                null,
                Set.of("https://friend.example"),
                new Hosts(List.of("localhost")),
                Hosts.NONE)));
    }

    public HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return client.send(request.build(), BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    public HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
    }

    public HttpResponse<String> get(String path) {
        return send(request(path));
    }

    public HttpResponse<String> post(String path, String body) {
        return send(request(path).POST(BodyPublishers.ofString(body)));
    }

    public static JsonNode json(HttpResponse<String> response) {
        return Json.MAPPER.readTree(response.body());
    }

    /** Method and path of each route. */
    public List<String> routes() {
        return server.routes();
    }

    public int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.close();
    }
}
