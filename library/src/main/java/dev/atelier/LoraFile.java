package dev.atelier;

import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.checkpoint.Progress;
import dev.atelier.merge.lora.Lora;
import java.nio.file.Path;

/**
 * A LoRA that a prompt named.
 *
 * @param hash twelve digits, as AUTOMATIC1111 has them: the trainer's own, or of the tensors, or of the file
 */
record LoraFile(FileStamp stamp, Lora lora, String hash) {
    private static final int SHORT_HASH = 12;
    private static final String TRAINERS_HASH = "sshs_model_hash";

    /** @throws dev.atelier.checkpoint.InvalidCheckpointException if it is no LoRA */
    static LoraFile open(Path path) {
        FileStamp stamp = FileStamp.of(path);
        Lora lora = Lora.open(path);
        String stated = lora.metadata().getOrDefault(TRAINERS_HASH, "");
        if (stated.length() >= SHORT_HASH) {
            return new LoraFile(stamp, lora, stated.substring(0, SHORT_HASH));
        }
        FileHashes hashes = FileHashes.of(path, Progress.NONE);
        return new LoraFile(stamp, lora, hashes.autoV3().orElse(hashes.sha256().substring(0, SHORT_HASH)));
    }
}
