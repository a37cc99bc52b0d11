package dev.atelier.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a model's text encoders make of windows of tokens.
 *
 * @param parts from each encoder, {@code [n, 77, its width]}
 * @param pooled a vector for each window as a whole, {@code [n, width]}, if the model has such
 */
public record TextEncoding(List<FloatArray> parts, @Nullable FloatArray pooled) {
    public TextEncoding {
        parts = List.copyOf(parts);
    }

    /** What the UNet attends to: the parts side by side, {@code [n, 77, contextWidth]}. */
    public FloatArray context() {
        return sideBySide(parts);
    }

    /** Joins arrays {@code [n, tokens, width]} along their last axis. */
    public static FloatArray sideBySide(List<FloatArray> parts) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        int n = parts.getFirst().size(0);
        int tokens = parts.getFirst().size(1);
        int width = parts.stream().mapToInt(part -> part.size(2)).sum();
        float[] joined = new float[n * tokens * width];
        int start = 0;
        for (FloatArray part : parts) {
            int own = part.size(2);
            for (int token = 0; token < n * tokens; token++) {
                System.arraycopy(part.values(), token * own, joined, token * width + start, own);
            }
            start += own;
        }
        return FloatArray.of(joined, n, tokens, width);
    }
}
