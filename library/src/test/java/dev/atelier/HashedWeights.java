package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Weights that need no file: {@code fill} of reference/make_control_reference.py. */
final class HashedWeights {
    private static final Pattern ENTRY = Pattern.compile("\"([^\"]+)\": \\[([\\d, ]*)]");

    private HashedWeights() {}

    /** @param layout names and shapes as JSON */
    static Checkpoint of(String layout, Map<String, String> metadata) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        int number = 0;
        for (Map.Entry<String, long[]> entry : shapes(layout).entrySet()) {
            tensors.put(entry.getKey(), tensor(entry.getKey(), number, entry.getValue()));
            number++;
        }
        return Checkpoint.of(List.of(), tensors, metadata);
    }

    private static Map<String, long[]> shapes(String layout) {
        Map<String, long[]> shapes = new TreeMap<>();
        Matcher entry = ENTRY.matcher(layout);
        while (entry.find()) {
            shapes.put(
                    entry.group(1),
                    Stream.of(entry.group(2).split(", "))
                            .mapToLong(Long::parseLong)
                            .toArray());
        }
        return shapes;
    }

    private static Tensor tensor(String name, int number, long[] sizes) {
        Shape shape = Shape.of(sizes);
        float[] values = new float[(int) shape.elements()];
        float scale = (float) (1 / Math.sqrt((double) shape.elements() / sizes[0]));
        for (int i = 0; i < values.length; i++) {
            float x = (hash(i + number * 0x9E3779B9) >>> 8) * 0x1p-23f - 1;
            if (name.endsWith(".bias")) {
                values[i] = x / 8;
            } else {
                values[i] = sizes.length == 1 ? 1 + x / 8 : x * scale;
            }
        }
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(values));
    }

    /** MurmurHash3's finalizer. */
    private static int hash(int value) {
        int h = value;
        h ^= h >>> 16;
        h *= 0x85EBCA6B;
        h ^= h >>> 13;
        h *= 0xC2B2AE35;
        return h ^ h >>> 16;
    }
}
