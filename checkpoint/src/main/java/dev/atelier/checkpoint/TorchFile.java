package dev.atelier.checkpoint;

import java.nio.file.Path;
import java.util.Map;

/** Files as {@code torch.save} writes them of other things than a checkpoint. */
public final class TorchFile {
    private TorchFile() {}

    /**
     * Writes a dict, atomically.
     *
     * @param root of texts and whole numbers to texts, numbers, booleans, null, tensors, and lists and dicts of these
     * @throws IllegalArgumentException if there is something else in it; nothing is written then
     * @throws java.io.UncheckedIOException if it cannot be written
     */
    public static void write(Map<?, ?> root, Path target, Progress progress) {
        TorchZipWriter.write(root, target, progress);
    }
}
