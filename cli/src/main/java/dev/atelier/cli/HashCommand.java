package dev.atelier.cli;

import dev.atelier.checkpoint.FileHashes;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "hash",
        description = {
            "Prints the hashes by which other programs know a file.",
            "",
            "  sha256  of the whole file; its first ten digits are AutoV2, the hash in",
            "          picture infotexts",
            "  AutoV1  AUTOMATIC1111's old short hash, of 64 KiB of the file",
            "  AutoV3  of the weights without the header (safetensors only): the same",
            "          whatever the metadata says",
            "",
            "Several files are read at once.",
            "",
            "Examples:",
            "  atelier hash model.safetensors",
            "  atelier hash *.safetensors --json | jq -r '.[] | \"\\(.autov2) \\(.file)\"'",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class HashCommand implements Callable<Integer> {
    @Parameters(arity = "1..*", paramLabel = "FILE", description = "Any files.")
    private List<Path> files = List.of();

    @Option(names = "--json", description = "Print an array with an object for each file.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        for (Path file : files) {
            requireFile(file);
        }
        List<FileHashes> hashes;
        try (Bar bar = Bar.bytes("Hashing")) {
            hashes = EachFile.of(files, FileHashes::of, bar.progress());
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            printJson(out, hashes);
        } else {
            for (int i = 0; i < files.size(); i++) {
                print(out, files.get(i), hashes.get(i));
            }
            out.flush();
        }
        return 0;
    }

    private static void requireFile(Path file) {
        if (Files.isDirectory(file)) {
            throw new IllegalArgumentException("%s is a folder; hash takes files".formatted(file));
        }
    }

    private static void print(PrintWriter out, Path file, FileHashes hashes) {
        out.println(file);
        out.printf("  sha256  %s%n", hashes.sha256());
        out.printf("  AutoV1  %s%n", hashes.autoV1());
        out.printf("  AutoV2  %s%n", hashes.autoV2());
        hashes.autoV3().ifPresent(hash -> out.printf("  AutoV3  %s%n", hash));
    }

    private void printJson(PrintWriter out, List<FileHashes> hashes) {
        JsonOutput.print(out, json -> {
            json.writeStartArray();
            for (int i = 0; i < files.size(); i++) {
                FileHashes of = hashes.get(i);
                json.writeStartObject();
                json.writeStringProperty("file", files.get(i).toString());
                json.writeStringProperty("sha256", of.sha256());
                json.writeStringProperty("autov1", of.autoV1());
                json.writeStringProperty("autov2", of.autoV2());
                json.writeName("autov3").writeString(of.autoV3().orElse(null));
                json.writeName("sshs_model_hash").writeString(of.dataSha256().orElse(null));
                json.writeEndObject();
            }
            json.writeEndArray();
        });
    }
}
