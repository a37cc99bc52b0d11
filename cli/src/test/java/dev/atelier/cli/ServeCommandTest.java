package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
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

    /** A process of its own. */
    private Process serve(Path log, String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "serve"));
        command.addAll(List.of(options));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
        builder.environment()
                .putAll(Map.of(
                        "ATELIER_PORT",
                        "0",
                        "ATELIER_DATA",
                        folder.resolve("data").toString(),
                        "ATELIER_MODELS",
                        folder.resolve("models").toString()));
        return builder.start();
    }

    private static URI address(BufferedReader out, Path log) throws IOException {
        Matcher listening = LISTENING.matcher(String.valueOf(out.readLine()));
        assertThat(listening.find()).as(Files.readString(log)).isTrue();
        return URI.create(listening.group(1));
    }

    private static JsonNode post(HttpClient client, URI address, String body) throws Exception {
        HttpResponse<String> response = client.send(
                HttpRequest.newBuilder(address)
                        .header("X-Request-Id", "trace-1")
                        .POST(BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
        return JsonMapper.shared().readTree(response.body());
    }

    /** It is asked to stop while it draws: it finishes the picture, and its log is one of objects. */
    @Test
    void aServerThatIsToStopFinishesWhatRuns() throws Exception {
        Path log = folder.resolve("log");
        Process process = serve(log, "--log", "json");
        try (BufferedReader out = process.inputReader();
                HttpClient client = HttpClient.newHttpClient()) {
            String job = post(
                            client,
                            address(out, log).resolve("/api/v1/pictures"),
                            "{\"width\": 128, \"height\": 128, \"steps\": 30}")
                    .get("job")
                    .stringValue();
            process.destroy();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            List<JsonNode> lines = Files.readAllLines(log).stream()
                    .map(JsonMapper.shared()::readTree)
                    .toList();
            assertThat(lines)
                    .anyMatch(line -> line.at("/mdc/request").asString("").equals("trace-1"));
            assertThat(lines)
                    .anyMatch(line -> line.at("/mdc/job").asString("").equals(job)
                            && line.toString().matches(".*(SUCCEEDED|goes back to the queue).*"));
        } finally {
            process.destroyForcibly();
        }
    }

    /** The picture is the one that {@code generate} draws with the same settings of libtorch, and no other. */
    @Test
    void deviceAndTypeAreThoseOfTheWorkers() throws Exception {
        Path log = folder.resolve("log");
        Path picture = folder.resolve("picture.png");
        String settings =
                "{\"prompt\": \"a cat\", \"width\": 64, \"height\": 64, \"steps\": 3, \"seed\": 5, \"cfg_scale\": 7,"
                        + " \"sampler_name\": \"Euler\"}";
        Process process = serve(log, "--device", "cpu", "--dtype", "bf16");
        try (BufferedReader out = process.inputReader();
                HttpClient client = HttpClient.newHttpClient()) {
            JsonNode drawn = post(client, address(out, log).resolve("/sdapi/v1/txt2img"), settings);
            assertThat(drawnBy(picture, "--dtype", "bf16")).isEqualTo(pixels(drawn));
            assertThat(drawnBy(picture)).isNotEqualTo(pixels(drawn));
        } finally {
            process.destroyForcibly();
        }
    }

    private static int[] drawnBy(Path picture, String... options) throws IOException {
        List<Object> command = new ArrayList<>(
                List.of("generate", "a cat", "--width", 64, "--height", 64, "--steps", 3, "--seed", 5, "--cfg", 7));
        command.addAll(List.of("--sampler", "Euler", "--engine", "torch", "--overwrite", "-o", picture));
        command.addAll(List.of(options));
        Run run = Run.atelier(command.toArray());
        assertThat(run.exitCode()).as(run.err()).isZero();
        return pixels(Files.readAllBytes(picture));
    }

    private static int[] pixels(JsonNode answer) throws IOException {
        return pixels(Base64.getDecoder().decode(answer.at("/images/0").stringValue()));
    }

    private static int[] pixels(byte[] png) throws IOException {
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
        return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    }

    @Test
    void deviceAndTypeAreSettingsOfLibtorch() {
        Run run = Run.atelier("serve", "--port", 0, "--data", folder, "--engine", "onnx", "--dtype", "bf16");
        assertThat(run.exitCode()).isNotZero();
        assertThat(run.err()).contains("--device and --dtype are settings of libtorch");
    }
}
