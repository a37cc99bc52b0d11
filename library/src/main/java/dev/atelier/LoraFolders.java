package dev.atelier;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.checkpoint.InvalidCheckpointException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * LoRAs by the names that prompts have for them: the file's without extension, or else the one that its training gave it
 * ({@code ss_output_name}), unless several share it.
 */
final class LoraFolders {
    private static final Set<String> EXTENSIONS = Set.of("safetensors", "pt", "ckpt");
    private static final Set<String> NAMES = Set.of("lora", "loras", "lycoris");

    private final List<Path> folders;
    private final Map<FileStamp, LoraFile> opened = new HashMap<>();
    private final Map<FileStamp, String> outputNames = new HashMap<>();

    LoraFolders(List<Path> folders) {
        this.folders = folders;
    }

    /** @throws InvalidCheckpointException if the file of that name is no LoRA */
    Optional<LoraFile> find(String name) {
        List<Path> files = folders.stream()
                .flatMap(folder -> ModelTree.files(folder, EXTENSIONS).stream())
                .toList();
        return ModelTree.named(name, files, NAMES)
                .or(() -> byOutputName(name, files))
                .map(file -> opened.computeIfAbsent(FileStamp.of(file), stamp -> LoraFile.open(stamp.path())));
    }

    private Optional<Path> byOutputName(String name, List<Path> files) {
        List<Path> named = files.stream()
                .filter(file -> file.toString().endsWith(".safetensors"))
                .filter(file -> outputNames
                        .computeIfAbsent(FileStamp.of(file), stamp -> outputName(stamp.path()))
                        .equals(name))
                .toList();
        return named.size() == 1 && !name.equals("none") ? Optional.of(named.getFirst()) : Optional.empty();
    }

    private static String outputName(Path file) {
        try {
            return Checkpoints.open(file).metadata().getOrDefault("ss_output_name", "");
        } catch (InvalidCheckpointException | UncheckedIOException _) {
            return ""; // a file that is being written, or of another kind
        }
    }
}
