package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Where a graph's weights lie outside it.
 *
 * @param name the file's name, in the folder of the ONNX model
 * @param offsets the byte at which each tensor begins
 */
record WeightFile(String name, Map<String, Long> offsets) {
    /** For a graph whose weights are handed to ONNX Runtime in memory: it must name a file all the same. */
    static final WeightFile NONE = new WeightFile("none", Map.of());

    /** A safetensors file, which ends in its tensors, one after the other. */
    static WeightFile of(Path safetensors) throws IOException {
        Checkpoint stored = Checkpoints.open(safetensors);
        Map<String, Long> offsets = new HashMap<>();
        long offset = Files.size(safetensors) - stored.byteSize();
        for (Map.Entry<String, Tensor> tensor : stored.tensors().entrySet()) {
            offsets.put(tensor.getKey(), offset);
            offset += tensor.getValue().byteSize();
        }
        return new WeightFile(safetensors.getFileName().toString(), offsets);
    }

    long offset(String tensor) {
        return offsets.getOrDefault(tensor, 0L);
    }
}
