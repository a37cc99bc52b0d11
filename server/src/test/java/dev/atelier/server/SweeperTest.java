package dev.atelier.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.db.Database;
import dev.atelier.server.db.Json;
import dev.atelier.server.db.Settings;
import dev.atelier.server.job.Bench;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobControl;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.JobState;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.Lane;
import dev.atelier.server.job.Worker;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.link.Links;
import dev.atelier.server.models.FolderShelf;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.novita.NovitaApi;
import dev.atelier.server.outbound.Hosts;
import dev.atelier.server.outbound.Outbound;
import dev.atelier.server.store.FileStore;
import dev.atelier.server.store.ObjectStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class SweeperTest {
    private static final Worker.Pace PACE =
            new Worker.Pace(Duration.ofMillis(50), Duration.ofSeconds(1), Duration.ofSeconds(1));
    private static final String REQUEST = """
            {"prompt": "a fox", "start": {"image": "inputs/start", "denoisingStrength": 0.5, "resizeMode": "JUST_RESIZE",
              "exactSteps": false, "noiseMultiplier": 1}}
            """;

    @TempDir
    Path folder;

    /** Instead of a picture it makes a file of three bytes. */
    private record Pretender(ObjectStore store) implements Bench {
        @Override
        public String loadedModel() {
            return null;
        }

        @Override
        public JsonNode run(Job job, JobControl control) throws IOException {
            store.put("images/made", new byte[3]);
            return Json.MAPPER.readTree("""
                    {"images": [{"key": "images/made", "seed": 1, "width": 8, "height": 8, "infotext": ""}]}
                    """);
        }

        @Override
        public void close() {}
    }

    @Test
    void oldJobsGoWithTheirPicturesAndNewOnesStay() throws Exception {
        try (Database database = Database.sqlite(folder.resolve("jobs.db"));
                ObjectStore store = new FileStore(folder.resolve("files"));
                ModelLibrary library = new ModelLibrary(
                        new FolderShelf(folder, folder.resolve("demo")),
                        folder,
                        folder.resolve("demo"),
                        folder.resolve("catalog.db"));
                Outbound outbound = new Outbound(Hosts.NONE)) {
            Jobs jobs = new Jobs(database, 10);
            Ledger ledger = new Ledger(database);
            NovitaApi novita = new NovitaApi(
                    database, jobs, ledger, store, new Links(new Settings(database)), library, outbound, false);
            Sweeper sweeper = new Sweeper(jobs, store, ledger, novita, Duration.ofDays(1));
            store.put("inputs/start", new byte[3]);
            Job job = jobs.submit(JobKind.GENERATE, Jobs.LOCAL, null, Json.MAPPER.readTree(REQUEST));
            try (Worker _ = Worker.start(database, jobs, Lane.GENERATE, List.of(new Pretender(store)), PACE)) {
                assertThat(jobs.await(job.id(), Duration.ofSeconds(30))
                                .orElseThrow()
                                .state())
                        .isEqualTo(JobState.SUCCEEDED);
            }
            Job waiting = jobs.submit(JobKind.GENERATE, Jobs.LOCAL, null, Json.MAPPER.readTree(REQUEST));

            assertThat(sweeper.sweep(Instant.now().minusSeconds(3600))).isZero();
            assertThat(store.read("images/made")).isPresent();

            assertThat(sweeper.sweep(Instant.now().plusSeconds(1))).isEqualTo(1);
            assertThat(jobs.find(job.id())).isEmpty();
            assertThat(store.read("images/made")).isEmpty();
            assertThat(store.read("inputs/start")).isEmpty();
            assertThat(jobs.find(waiting.id())).isPresent();
        }
    }
}
