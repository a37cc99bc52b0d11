package dev.atelier.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.atelier.Engine;
import dev.atelier.server.Server;
import dev.atelier.server.ServerOptions;
import dev.atelier.server.Storage;
import dev.atelier.server.WorkOptions;
import dev.atelier.server.http.BasicAuth;
import dev.atelier.server.job.Worker;
import dev.atelier.server.outbound.Hosts;
import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtelierClientTest {
    private static final PictureRequest SMALL =
            PictureRequest.of("a red circle").size(128, 128).steps(2).seed(7);

    @TempDir
    static Path folder;

    private static Server server;
    private static AtelierClient stranger;
    private static AtelierClient client;

    @BeforeAll
    static void start() {
        WorkOptions work = new WorkOptions(
                Storage.in(folder.resolve("data")), folder.resolve("models"), 1, Engine.ONNX, Worker.Pace.STANDARD);
        server = Server.start(new ServerOptions(
                "127.0.0.1",
                0,
                work,
                new BasicAuth(List.of("alice:secret")),
                100,
                null,
                Set.of(),
                Hosts.NONE,
                Hosts.NONE));
        stranger = AtelierClient.of("http://127.0.0.1:" + server.port());
        client = stranger.as("alice", "secret");
    }

    @AfterAll
    static void stop() {
        client.close();
        stranger.close();
        server.close();
    }

    @Test
    void drawsAndFetches() throws Exception {
        List<Picture> pictures = client.draw(SMALL.count(2));
        assertThat(pictures).extracting(Picture::seed).containsExactly(7L, 8L);
        byte[] png = client.download(pictures.getFirst());
        assertThat(ImageIO.read(new ByteArrayInputStream(png)).getWidth()).isEqualTo(128);

        List<Picture> changed = client.draw(SMALL.from(png, 0.5));
        assertThat(changed.getFirst().infotext()).contains("Denoising strength: 0.5");
        assertThat(client.jobs()).extracting(Job::state).contains("succeeded");
    }

    @Test
    void tellsHowItGoesAndCancels() throws Exception {
        String id = client.submit(SMALL.steps(100).count(50));
        assertThat(client.cancel(id)).isTrue();
        List<Job> seen = new ArrayList<>();
        assertThatExceptionOfType(AtelierException.class)
                .isThrownBy(() -> client.await(id, seen::add))
                .withMessage("the job was cancelled");
        assertThat(seen.getLast().isDone()).isTrue();
        assertThat(client.cancel(id)).isFalse();
        assertThat(client.cancel(client.retry(id))).isTrue();
    }

    @Test
    void listsModels() {
        assertThat(client.models("shapes")).extracting(Model::name).anyMatch(name -> name.startsWith("shapes-"));
        assertThat(client.models("nothing is called so")).isEmpty();
    }

    @Test
    void saysWhatTheServerSays() {
        assertThatExceptionOfType(AtelierException.class)
                .isThrownBy(() -> client.submit(SMALL.steps(0)))
                .withMessageContaining("steps")
                .extracting(AtelierException::status)
                .isEqualTo(422);
        assertThatExceptionOfType(AtelierException.class)
                .isThrownBy(() -> client.job("none"))
                .withMessage("there is no such job");
        assertThatExceptionOfType(AtelierException.class)
                .isThrownBy(() -> stranger.submit(SMALL))
                .extracting(AtelierException::status)
                .isEqualTo(401);
    }
}
