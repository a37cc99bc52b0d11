package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.UNKNOWN_FORMAT;

import java.nio.file.Files;
import java.nio.file.Path;

/** Opens checkpoint files. */
public final class Checkpoints {
    private Checkpoints() {}

    /**
     * Opens a checkpoint of any supported format, told apart by content and never by extension. The file is mapped and
     * validated; no tensor is read.
     *
     * @throws InvalidCheckpointException if the file is damaged, hostile or of an unknown format
     * @throws java.io.UncheckedIOException if the file cannot be read
     */
    public static Checkpoint open(Path path) {
        if (Files.isDirectory(path)) {
            return DiffusersFolder.read(path);
        }
        MappedFile file = MappedFile.open(path);
        if (ShardIndex.looksLike(path)) {
            return ShardIndex.read(file);
        }
        if (ZipRecords.looksLike(file)) {
            return TorchZipReader.read(file);
        }
        if (TorchLegacyReader.looksLike(file)) {
            return TorchLegacyReader.read(file);
        }
        FailedDownload.of(file).ifPresent(failure -> {
            throw new InvalidCheckpointException(path, UNKNOWN_FORMAT, failure);
        });
        if (SafetensorsReader.looksLike(file) || SafetensorsReader.hasSafetensorsName(path)) {
            return SafetensorsReader.read(file);
        }
        throw new InvalidCheckpointException(path, UNKNOWN_FORMAT, describe(file));
    }

    private static String describe(MappedFile file) {
        byte[] start = file.array(0, (int) Math.min(8, file.size()));
        if (start.length == 0) {
            return "the file is empty";
        }
        if (start.length > 1 && start[0] == (byte) 0x80 && start[1] >= 2 && start[1] <= 5) {
            return "it is a bare pickle, not a file that torch.save has written";
        }
        StringBuilder hex = new StringBuilder();
        for (byte b : start) {
            hex.append("%02x ".formatted(b));
        }
        return "it is neither a safetensors file nor a PyTorch zip checkpoint (it starts with %s)"
                .formatted(hex.toString().strip());
    }
}
