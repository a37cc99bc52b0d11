package dev.atelier.server.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.db.Database;
import dev.atelier.server.db.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Processes that queue and do jobs are killed again and again, as by {@code kill -9}. */
class CrashTest {
    private static final int MANY = 500;
    private static final Worker.Pace PACE =
            new Worker.Pace(Duration.ofMillis(50), Duration.ofMillis(500), Duration.ofSeconds(1));

    @TempDir
    Path folder;

    @Test
    void noJobIsLostAndNoneIsCompletedTwice() throws Exception {
        killAgainAndAgain(120, 2, Duration.ofMillis(1500));
    }

    @Test
    @Tag("slow")
    void noneOfManyJobsIsLostAndNoneIsCompletedTwice() throws Exception {
        killAgainAndAgain(MANY, 8, Duration.ofSeconds(3));
    }

    private void killAgainAndAgain(int count, int enough, Duration life) throws Exception {
        Path submitted = folder.resolve("submitted");
        Files.createFile(submitted);
        try (Database database = Database.sqlite(folder.resolve("jobs.db"))) {
            Jobs jobs = new Jobs(database, count);
            int kills = 0;
            Process process = spawn(count);
            while (jobs.count(Lane.GENERATE, JobState.SUCCEEDED) < count) {
                // ProcessHandle.onExit does not fire for one that lives, so this waits the whole time
                boolean ended = process.waitFor(Duration.ofMillis(kills < enough ? life.toMillis() : 600_000));
                if (!ended) {
                    process.destroyForcibly().waitFor();
                    kills++;
                    process = spawn(count);
                } else if (process.exitValue() != 0) {
                    throw new AssertionError("the worker failed by itself");
                } else {
                    break;
                }
            }
            process.destroyForcibly().waitFor();

            assertThat(kills).isPositive();
            List<String> acknowledged = Files.readAllLines(submitted);
            assertThat(acknowledged).hasSize(count).doesNotHaveDuplicates();
            Set<String> completed = new HashSet<>();
            for (String id : acknowledged) {
                Job job = jobs.find(id).orElseThrow();
                assertThat(job.state()).as(id).isEqualTo(JobState.SUCCEEDED);
                // the result is that of the last attempt: none before it has completed
                assertThat(job.result().get("attempt").intValue()).isEqualTo(job.attempt());
                completed.add(id);
            }
            assertThat(completed).hasSize(count);
            List<String> runs = Files.readAllLines(folder.resolve("runs"));
            assertThat(runs.size())
                    .as("runs that ended, counting those whose process died before it said so")
                    .isBetween(count, count + kills);
        }
    }

    private Process spawn(int count) throws IOException {
        return new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Victim.class.getName(),
                        folder.toString(),
                        Integer.toString(count))
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
    }

    /** Queues what is missing of the jobs and does them; ends when all are done. */
    static final class Victim {
        public static void main(String[] arguments) throws Exception {
            Path folder = Path.of(arguments[0]);
            int count = Integer.parseInt(arguments[1]);
            Path submitted = folder.resolve("submitted");
            Database database = Database.sqlite(folder.resolve("jobs.db"));
            Jobs jobs = new Jobs(database, count);
            Worker worker = Worker.start(database, jobs, Lane.GENERATE, List.of(new Scribe(folder)), PACE);
            // those that were queued but not acknowledged by the process that died
            List<String> known = Files.readAllLines(submitted);
            for (Job job : jobs.list(null, null, null, count).reversed()) {
                if (!known.contains(job.id())) {
                    append(submitted, job.id());
                }
            }
            for (int i = Files.readAllLines(submitted).size(); i < count; i++) {
                Job job = jobs.submit(JobKind.GENERATE, Jobs.LOCAL, null, Json.MAPPER.createObjectNode());
                append(submitted, job.id());
            }
            while (jobs.count(Lane.GENERATE, JobState.SUCCEEDED) < count) {
                jobs.awaitChange(jobs.changes());
            }
            worker.close();
            database.close();
        }
    }

    private static void append(Path file, String line) throws IOException {
        Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private record Scribe(Path folder) implements Bench {
        @Override
        public String loadedModel() {
            return null;
        }

        @Override
        public JsonNode run(Job job, JobControl control) throws Exception {
            control.report("writing", 0, 1, 0);
            Thread.sleep(10); // so that a kill meets running jobs
            append(folder.resolve("runs"), job.id() + " " + job.attempt());
            return Json.MAPPER.createObjectNode().put("attempt", job.attempt());
        }

        @Override
        public void close() {}
    }
}
