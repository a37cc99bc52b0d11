package dev.atelier.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.Engine;
import dev.atelier.server.db.Database;
import dev.atelier.server.db.Json;
import dev.atelier.server.db.LocalPostgres;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobState;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.Worker;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Charge;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.key.Limits;
import dev.atelier.server.models.FolderShelf;
import dev.atelier.server.outbound.Hosts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server that also draws and a worker, each a process of its own, are killed in turns, as by {@code kill -9}, while 500
 * pictures are queued over HTTP and drawn. Whatever the server has said yes to is drawn, once, and paid once.
 */
@Tag("slow")
class KillTest {
    private static final int PICTURES = 500;
    private static final int KILLS = 10;
    private static final Worker.Pace PACE =
            new Worker.Pace(Duration.ofMillis(200), Duration.ofMillis(500), Duration.ofSeconds(5));
    private static final Pattern DONE = Pattern.compile("\\[([0-9a-z]{26})] GENERATE SUCCEEDED");

    @TempDir
    Path folder;

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final List<Process> processes = new ArrayList<>();

    @Test
    void onSqlite() throws Exception {
        killInTurns(null);
    }

    @Test
    void onPostgresql() throws Exception {
        try (LocalPostgres postgres = LocalPostgres.start()) {
            killInTurns(postgres.createDatabase());
        }
    }

    private void killInTurns(URI url) throws Exception {
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        Storage storage = new Storage(folder.resolve("data"), url, null);
        String model = new FolderShelf(folder.resolve("models"), storage.data().resolve("demo"))
                .list()
                .getFirst()
                .name();
        List<String> accepted = new ArrayList<>();
        try (Database database = storage.openDatabase()) {
            Jobs jobs = new Jobs(database, PICTURES);
            ApiKeys.Created key = new ApiKeys(database).create("test", null, Limits.NONE);
            Process server = start("serve", port, url);
            Process worker = start("work", port, url);
            int kills = 0;
            long next = System.nanoTime() + Duration.ofSeconds(8).toNanos();
            while (accepted.size() < PICTURES || accepted.stream().anyMatch(id -> isOpen(jobs, id))) {
                if (accepted.size() < PICTURES) {
                    submit(port, key.secret(), model).ifPresent(accepted::add);
                } else {
                    Thread.sleep(100);
                }
                if (kills < KILLS && System.nanoTime() > next) {
                    boolean isServersTurn = kills++ % 2 == 0;
                    (isServersTurn ? server : worker).destroyForcibly().waitFor();
                    if (isServersTurn) {
                        server = start("serve", port, url);
                    } else {
                        worker = start("work", port, url);
                    }
                    next = System.nanoTime() + Duration.ofSeconds(6).toNanos();
                }
                assertThat(server.isAlive() && worker.isAlive())
                        .as(() -> "a process ended by itself: " + lastLines())
                        .isTrue();
            }
            server.destroyForcibly().waitFor();
            worker.destroyForcibly().waitFor();
            assertThat(kills).isGreaterThanOrEqualTo(4);
            check(database, jobs, accepted);
        }
    }

    private static boolean isOpen(Jobs jobs, String id) {
        return !jobs.find(id).map(Job::state).orElse(JobState.FAILED).isFinal();
    }

    private void check(Database database, Jobs jobs, List<String> accepted) throws IOException {
        assertThat(accepted).doesNotHaveDuplicates();
        for (String id : accepted) {
            Job job = jobs.find(id).orElseThrow();
            assertThat(job.state()).as("%s: %s", id, job.error()).isEqualTo(JobState.SUCCEEDED);
            String picture = job.result().get("images").get(0).get("key").stringValue();
            assertThat(folder.resolve("data/files").resolve(picture)).isNotEmptyFile();
        }
        Map<String, Long> completions = logs().map(DONE::matcher)
                .filter(Matcher::find)
                .map(line -> line.group(1))
                .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        assertThat(completions.values()).as("how often each was completed").containsOnly(1L);
        Map<Charge.State, Long> charges = new Ledger(database)
                .list(null, 10 * PICTURES).stream()
                        .filter(charge -> accepted.contains(charge.job()))
                        .collect(Collectors.groupingBy(Charge::state, Collectors.counting()));
        assertThat(charges).isEqualTo(Map.of(Charge.State.SPENT, (long) accepted.size()));
        System.out.printf(
                "%d accepted, %d in the database, %d process starts, attempts %s%n",
                accepted.size(),
                jobs.list(null, null, null, 10 * PICTURES).size(),
                processes.size(),
                jobs.list(null, null, null, 10 * PICTURES).stream()
                        .collect(Collectors.groupingBy(Job::attempt, Collectors.counting())));
    }

    private String lastLines() {
        try {
            List<String> lines = logs().toList();
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Stream<String> logs() throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < processes.size(); i++) {
            lines.addAll(Files.readAllLines(folder.resolve("log" + i)));
        }
        return lines.stream();
    }

    /** Empty where the server died before it answered. */
    private Optional<String> submit(int port, String key, String model) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v3/async/txt2img"))
                .header("Authorization", "Bearer " + key)
                .timeout(Duration.ofSeconds(5))
                .POST(BodyPublishers.ofString("""
                        {"request": {"model_name": "%s", "prompt": "a red circle", "width": 128,
                          "height": 128, "steps": 2, "image_num": 1, "seed": 7, "sampler_name": "Euler a"}}
                        """.formatted(model)))
                .build();
        try {
            HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            return Optional.of(
                    Json.MAPPER.readTree(response.body()).get("task_id").stringValue());
        } catch (IOException _) {
            Thread.sleep(100);
            return Optional.empty();
        }
    }

    @AfterEach
    void endAll() {
        processes.forEach(Process::destroyForcibly);
    }

    private Process start(String what, int port, URI url) throws IOException {
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Victim.class.getName(),
                        what,
                        folder.toString(),
                        Integer.toString(port),
                        url == null ? "" : url.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log" + processes.size()).toFile())
                .start();
        processes.add(process);
        return process;
    }

    /** A server or a worker, until it is killed. */
    static final class Victim {
        public static void main(String[] arguments) throws Exception {
            Path folder = Path.of(arguments[1]);
            Storage storage =
                    new Storage(folder.resolve("data"), arguments[3].isEmpty() ? null : URI.create(arguments[3]), null);
            WorkOptions work = new WorkOptions(storage, folder.resolve("models"), 1, Engine.ONNX, PACE);
            if (arguments[0].equals("serve")) {
                int port = Integer.parseInt(arguments[2]);
                Server.start(new ServerOptions(
                        "127.0.0.1", port, work, null, PICTURES, null, Set.of(), Hosts.NONE, Hosts.NONE));
            } else {
                Workplace.start(work);
            }
            new CountDownLatch(1).await();
        }
    }
}
