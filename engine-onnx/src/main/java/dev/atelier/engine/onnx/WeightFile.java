package dev.atelier.engine.onnx;

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

    long offset(String tensor) {
        return offsets.getOrDefault(tensor, 0L);
    }
}
