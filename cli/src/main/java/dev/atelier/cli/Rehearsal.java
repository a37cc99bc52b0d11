package dev.atelier.cli;

import dev.atelier.checkpoint.CacheFolder;
import dev.atelier.model.DemoModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;

/**
 * Runs typical commands once, so that the JVM can record what they take: which classes, linked how, compiled where. From
 * that record (JEP 483, 514, 515) later starts are faster. The launcher runs this after a build.
 */
final class Rehearsal {
    private Rehearsal() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Files.createTempDirectory("atelier");
        String picture = folder.resolve("rehearsal.png").toString();
        String converted = folder.resolve("rehearsal-fp16.safetensors").toString();
        String merged = folder.resolve("rehearsal.safetensors").toString();
        try {
            run("help");
            run("generate", "a red circle", "--steps", "4", "-o", picture);
            String demo = DemoModel.unpack(CacheFolder.ofUser()).toString();
            run("convert", demo, "--dtype", "fp16", "-o", converted);
            run("merge", demo, converted, "-m", "0.5", "-o", merged);
            run("inspect", merged);
            run("hash", merged);
        } finally {
            Files.deleteIfExists(Path.of(picture));
            Files.deleteIfExists(Path.of(converted));
            Files.deleteIfExists(Path.of(merged));
            Files.delete(folder);
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
