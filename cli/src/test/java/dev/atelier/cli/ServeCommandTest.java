package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ServeCommandTest {
    private static final Pattern LISTENING = Pattern.compile("Listening on (http://\\S+)");

    @TempDir
    Path folder;

    @Command
    private static final class Sample {
        @Option(names = "--from-line", defaultValue = "standard")
        String fromLine = "";

        @Option(names = "--from-environment", defaultValue = "standard")
        String fromEnvironment = "";

        @Option(names = "--from-file", defaultValue = "standard")
        String fromFile = "";

        @Option(names = "--from-nowhere", defaultValue = "standard")
        String fromNowhere = "";
    }

    @Test
    void theLineWinsOverTheEnvironmentAndThatOverTheFile() throws Exception {
        Path file = Files.writeString(folder.resolve("serve.properties"), """
                from-line = file
                from-environment = file
                from-file = file
                """);
        Map<String, String> environment = Map.of(
                "ATELIER_CONFIG",
                file.toString(),
                "ATELIER_FROM_LINE",
                "environment",
                "ATELIER_FROM_ENVIRONMENT",
                "environment");
        Sample sample = new Sample();
        new CommandLine(sample)
                .setDefaultValueProvider(new ServeDefaults(environment))
                .parseArgs("--from-line", "line");
        assertThat(List.of(sample.fromLine, sample.fromEnvironment, sample.fromFile, sample.fromNowhere))
                .containsExactly("line", "environment", "file", "standard");
    }

    /** A process of its own, which is asked to stop while it draws: it finishes the picture, and its log is one of objects. */
    @Test
    void aServerThatIsToStopFinishesWhatRuns() throws Exception {
        Path log = folder.resolve("log");
        ProcessBuilder builder = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "serve",
                        "--log",
                        "json")
                .redirectError(log.toFile());
        builder.environment()
                .putAll(Map.of(
                        "ATELIER_PORT",
                        "0",
                        "ATELIER_DATA",
                        folder.resolve("data").toString(),
                        "ATELIER_MODELS",
                        folder.resolve("models").toString()));
        Process process = builder.start();
        try (BufferedReader out = process.inputReader();
                HttpClient client = HttpClient.newHttpClient()) {
            Matcher listening = LISTENING.matcher(String.valueOf(out.readLine()));
            assertThat(listening.find()).as(Files.readString(log)).isTrue();
            HttpResponse<String> submitted = client.send(
                    HttpRequest.newBuilder(URI.create(listening.group(1) + "/api/v1/pictures"))
                            .header("X-Request-Id", "trace-1")
                            .POST(BodyPublishers.ofString("{\"width\": 128, \"height\": 128, \"steps\": 30}"))
                            .build(),
                    BodyHandlers.ofString());
            JsonMapper mapper = JsonMapper.shared();
            String job = mapper.readTree(submitted.body()).get("job").stringValue();
            process.destroy();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            List<JsonNode> lines =
                    Files.readAllLines(log).stream().map(mapper::readTree).toList();
            assertThat(lines)
                    .anyMatch(line -> line.at("/mdc/request").asString("").equals("trace-1"));
            assertThat(lines)
                    .anyMatch(line -> line.at("/mdc/job").asString("").equals(job)
                            && line.toString().matches(".*(SUCCEEDED|goes back to the queue).*"));
        } finally {
            process.destroyForcibly();
        }
    }
}
