package dev.atelier.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.TestServer;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsApiTest {
    @TempDir
    Path folder;

    @Test
    void countsRequestsByRouteAndJobsByState() {
        try (TestServer server = TestServer.start(folder, null)) {
            server.post(
                    "/sdapi/v1/txt2img", "{\"prompt\": \"a red circle\", \"steps\": 1, \"width\": 64, \"height\": 64}");
            server.get("/v3/async/task-result?task_id=none");
            server.get("/nowhere/" + System.nanoTime());
            HttpResponse<String> metrics = server.get("/metrics");
            assertThat(metrics.headers().firstValue("Content-Type"))
                    .hasValue("text/plain; version=0.0.4; charset=utf-8");
            assertThat(metrics.body())
                    .contains(
                            "http_server_requests_seconds_count{method=\"POST\",route=\"/sdapi/v1/txt2img\",status=\"200\"} 1")
                    .contains("route=\"/v3/async/task-result\"")
                    .contains("route=\"none\",status=\"404\"")
                    .doesNotContain("/nowhere/")
                    .contains("atelier_jobs{lane=\"generate\",state=\"succeeded\"} 1")
                    .contains("atelier_job_run_seconds_count{kind=\"generate\",outcome=\"succeeded\"} 1")
                    .contains("jvm_memory_used_bytes");
        }
    }

    @Test
    void areForThoseWithThePassword() {
        BasicAuth auth = new BasicAuth(List.of("alice:secret"));
        try (TestServer server = TestServer.start(folder, auth)) {
            assertThat(server.get("/metrics").statusCode()).isEqualTo(401);
            assertThat(server.send(server.request("/metrics").header("Authorization", "Basic YWxpY2U6c2VjcmV0"))
                            .statusCode())
                    .isEqualTo(200);
        }
    }
}
