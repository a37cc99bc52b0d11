package dev.atelier.server.a1111;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.atelier.Engine;
import dev.atelier.server.ServerOptions;
import dev.atelier.server.Storage;
import dev.atelier.server.TestServer;
import dev.atelier.server.WorkOptions;
import dev.atelier.server.http.BasicAuth;
import dev.atelier.server.job.Worker;
import dev.atelier.server.outbound.Hosts;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AuthTest {
    @TempDir
    static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, new BasicAuth(List.of("alice:secret", "bob:other")));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @CsvSource({"alice:secret, 200", "bob:other, 200", "alice:other, 401", "alice:, 401", "alice:secre, 401"})
    void onlyTheRightPasswordOpens(String credentials, int status) {
        String header = "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8));
        HttpResponse<String> response =
                server.send(server.request("/sdapi/v1/samplers").header("Authorization", header));
        assertThat(response.statusCode()).isEqualTo(status);
        if (status == 401) {
            assertThat(json(response).get("detail").stringValue()).isEqualTo("Incorrect username or password");
        }
    }

    @Test
    void withoutAPasswordOnlyPingsAreAnswered() {
        HttpResponse<String> response = server.get("/sdapi/v1/samplers");
        assertThat(response.statusCode()).isEqualTo(401);
        assertThat(json(response).get("detail").stringValue()).isEqualTo("Not authenticated");
        assertThat(server.get("/internal/ping").statusCode()).isEqualTo(200);
    }

    @Test
    void strangersAreNotServedWithoutPasswords() {
        WorkOptions work = new WorkOptions(Storage.in(folder), folder, 1, Engine.ONNX, Worker.Pace.STANDARD);
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> new ServerOptions("0.0.0.0", 0, work, null, 1, null, Set.of(), Hosts.NONE, Hosts.NONE))
                .withMessageContaining("--api-auth");
    }
}
