package dev.atelier.cli;

import dev.atelier.Engine;
import dev.atelier.checkpoint.CacheFolder;
import dev.atelier.model.DemoModel;
import dev.atelier.server.Server;
import dev.atelier.server.ServerOptions;
import dev.atelier.server.Storage;
import dev.atelier.server.WorkOptions;
import dev.atelier.server.job.Worker;
import dev.atelier.server.outbound.Hosts;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine;

/**
 * Runs typical commands once, so that the JVM can record what they take: which classes, linked how, compiled where. From
 * that record (JEP 483, 514, 515) later starts are faster. The launcher runs this after a build.
 */
final class Rehearsal {
    private static final int PICTURES = 60;

    private Rehearsal() {}

    /** @param arguments "drawing" or "files": which commands */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("atelier");
        try {
            run("help");
            if (arguments[0].equals("files")) {
                files(folder);
            } else {
                run(
                        "generate",
                        "a red circle",
                        "--steps",
                        "4",
                        "-o",
                        folder.resolve("circle.png").toString());
                serve(folder.resolve("data"));
            }
        } finally {
            delete(folder);
        }
        System.exit(0); // as the commands do, which takes some classes as well
    }

    /** In fp32 the built-in model is large enough for what is done with large files only. */
    private static void files(Path folder) throws IOException {
        String demo = DemoModel.unpack(CacheFolder.ofUser()).toString();
        String merged = folder.resolve("merged.safetensors").toString();
        String large = folder.resolve("large.safetensors").toString();
        run("merge", demo, demo, "-m", "0.5", "-o", merged);
        run("convert", merged, "--dtype", "fp32", "-o", large);
        run("inspect", large);
        run("hash", large);
    }

    /** A server that draws a few pictures and is asked how they are. */
    private static void serve(Path data) throws IOException, InterruptedException {
        WorkOptions work =
                new WorkOptions(Storage.in(data), data.resolve("models"), 1, Engine.ONNX, Worker.Pace.STANDARD);
        try (Server server = Server.start(
                        new ServerOptions("127.0.0.1", 0, work, null, 10, null, Set.of(), Hosts.NONE, Hosts.NONE));
                HttpClient client = HttpClient.newHttpClient()) {
            URI address = URI.create("http://127.0.0.1:" + server.port());
            client.send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofString());
            for (int i = 0; i < PICTURES; i++) {
                HttpRequest picture = HttpRequest.newBuilder(address.resolve("/sdapi/v1/txt2img"))
                        .POST(BodyPublishers.ofString("{\"steps\": 1, \"width\": 64, \"height\": 64}"))
                        .build();
                client.send(picture, BodyHandlers.ofString());
                HttpRequest jobs =
                        HttpRequest.newBuilder(address.resolve("/api/v1/jobs")).build();
                client.send(jobs, BodyHandlers.ofString());
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static void run(String... command) {
        int exitCode = Main.commandLine(command)
                .setOut(new PrintWriter(Writer.nullWriter()))
                .execute(command);
        if (exitCode != CommandLine.ExitCode.OK) {
            throw new IllegalStateException("atelier %s: exit code %d".formatted(command[0], exitCode));
        }
    }
}
