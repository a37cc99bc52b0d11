package dev.atelier.server.studio;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.TestServer;
import dev.atelier.server.http.BasicAuth;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page of a server with users. */
class StudioAuthTest {
    @TempDir
    static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, new BasicAuth(List.of("alice:one", "bob:two")));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static HttpResponse<String> get(String path, String user) {
        String credentials = Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8));
        return server.send(server.request(path).header("Authorization", "Basic " + credentials));
    }

    @Test
    void theBrowserIsToldToAskForThePassword() {
        for (String path : new String[] {"/", "/studio/app.js", "/api/v1/about", "/api/v1/events", "/api/v1/usage"}) {
            HttpResponse<String> refused = server.get(path);
            assertThat(refused.statusCode()).as(path).isEqualTo(401);
            assertThat(refused.headers().firstValue("WWW-Authenticate").orElse(""))
                    .as(path)
                    .startsWith("Basic");
            assertThat(get(path, "alice:wrong").statusCode()).as(path).isEqualTo(401);
        }
        assertThat(get("/", "alice:one").statusCode()).isEqualTo(200);
    }

    @Test
    void everybodySeesTheirOwnJobs() {
        String alice = Base64.getEncoder().encodeToString("alice:one".getBytes(StandardCharsets.UTF_8));
        HttpResponse<String> submitted = server.send(server.request("/api/v1/pictures")
                .header("Authorization", "Basic " + alice)
                .POST(BodyPublishers.ofString("{\"width\": 64, \"height\": 64, \"steps\": 1}")));
        String job = json(submitted).get("job").stringValue();
        assertThat(get("/api/v1/jobs/" + job, "alice:one").statusCode()).isEqualTo(200);
        assertThat(get("/api/v1/jobs/" + job, "bob:two").statusCode()).isEqualTo(404);
        assertThat(json(get("/api/v1/jobs", "bob:two")).get("jobs")).isEmpty();
    }

    @Test
    void usersDoNotAdministerKeys() {
        assertThat(json(get("/api/v1/usage", "alice:one")).get("administered").booleanValue())
                .isFalse();
    }
}
