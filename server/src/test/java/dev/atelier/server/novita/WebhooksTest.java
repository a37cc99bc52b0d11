package dev.atelier.server.novita;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.atelier.server.TestServer;
import dev.atelier.server.db.Database;
import dev.atelier.server.db.Json;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Limits;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class WebhooksTest {
    private record Call(String time, String signature, String body) {}

    @TempDir
    Path folder;

    private final BlockingQueue<Call> calls = new LinkedBlockingQueue<>();
    private final AtomicInteger refusals = new AtomicInteger();
    private HttpServer receiver;
    private TestServer server;

    @BeforeEach
    void start() throws Exception {
        receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        receiver.createContext("/", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            boolean isRefused = refusals.getAndDecrement() > 0;
            if (!isRefused) {
                calls.add(new Call(
                        exchange.getRequestHeaders().getFirst("X-Atelier-Timestamp"),
                        exchange.getRequestHeaders().getFirst("X-Atelier-Signature"),
                        body));
            }
            exchange.sendResponseHeaders(isRefused ? 503 : 204, -1);
            exchange.close();
        });
        receiver.start();
        server = TestServer.start(folder, null);
    }

    @AfterEach
    void stop() {
        server.close();
        receiver.stop(0);
    }

    private HttpResponse<String> draw(String key, String url, String test) {
        String model = json(server.send(server.request("/v3/model").header("Authorization", key)))
                .at("/models/0/sd_name")
                .stringValue();
        return server.send(server.request("/v3/async/txt2img")
                .header("Authorization", key)
                .POST(BodyPublishers.ofString("""
                        {"request": {"model_name": "%s", "prompt": "a red circle", "width": 128, "height": 128, "steps": 1,
                          "image_num": 1, "sampler_name": "Euler"}, "extra": {"webhook": {"url": "%s"%s}}}
                        """.formatted(model, url, test))));
    }

    private String address() {
        return "http://localhost:%d/hook".formatted(receiver.getAddress().getPort());
    }

    private Call call() throws InterruptedException {
        Call call = calls.poll(60, TimeUnit.SECONDS);
        assertThat(call).isNotNull();
        return call;
    }

    @Test
    void aTaskThatIsDoneIsToldOnce() throws Exception {
        String secret;
        try (Database database = Database.sqlite(folder.resolve("data/atelier.db"))) {
            secret = new ApiKeys(database).create("test", null, Limits.NONE).secret();
        }
        refusals.set(1); // it is tried again
        HttpResponse<String> response = draw("Bearer " + secret, address(), "");
        String id = json(response).get("task_id").stringValue();
        Call call = call();
        JsonNode event = Json.MAPPER.readTree(call.body());
        assertThat(event.get("event_type").stringValue()).isEqualTo("ASYNC_TASK_RESULT");
        assertThat(event.at("/payload/task/task_id").stringValue()).isEqualTo(id);
        assertThat(event.at("/payload/task/status").stringValue()).isEqualTo("TASK_STATUS_SUCCEED");
        assertThat(event.at("/payload/extra/webhook/url").stringValue()).isEqualTo(address());
        String image = event.at("/payload/images/0/image_url").stringValue();
        assertThat(image).startsWith("http://127.0.0.1:%d/files/".formatted(server.port()));
        assertThat(server.get(image.substring(image.indexOf("/files/"))).statusCode())
                .isEqualTo(200);

        String hash = HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8)));
        assertThat(call.signature())
                .isEqualTo(Webhooks.signature(hash, call.time(), call.body().getBytes(StandardCharsets.UTF_8)));
        assertThat(calls.poll(1500, TimeUnit.MILLISECONDS)).isNull();
    }

    @Test
    void aTestIsToldAtOnce() throws Exception {
        String test = ", \"test_mode\": {\"enabled\": true, \"return_task_status\": \"TASK_STATUS_FAILED\"}";
        draw("any", address(), test);
        assertThat(Json.MAPPER
                        .readTree(call().body())
                        .at("/payload/task/status")
                        .stringValue())
                .isEqualTo("TASK_STATUS_FAILED");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:1/",
                "http://169.254.169.254/latest/meta-data/",
                "http://[::1]/",
                "http://2130706433/",
                "http://10.0.0.1/",
                "file:///etc/passwd",
                "gopher://example.org/",
                "http://user@example.org/",
                "nowhere"
            })
    void privateAddressesAreRefused(String url) {
        HttpResponse<String> response = draw("any", url, "");
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(json(response).get("message").stringValue()).startsWith("extra.webhook.url: ");
    }
}
