package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.List;

/**
 * An encoded prompt.
 *
 * @param parts what stands between the words {@code AND}, at least one
 */
record Conditioning(List<Part> parts) {

    /**
     * @param weight how strongly this part guides beside the others
     * @param context {@code [n, 77·k, contextWidth]}, a row for each image
     */
    record Part(double weight, Timeline<FloatArray> context) {}

    Conditioning {
        parts = List.copyOf(parts);
    }

    static Conditioning of(FloatArray context) {
        return new Conditioning(List.of(new Part(1, Timeline.always(context))));
    }

    double totalWeight() {
        return parts.stream().mapToDouble(Part::weight).sum();
    }

    /** The contexts in force at a call of the network, all as long as the longest. */
    List<FloatArray> at(int call) {
        List<FloatArray> contexts =
                parts.stream().map(part -> part.context.at(call)).toList();
        int tokens =
                contexts.stream().mapToInt(context -> context.size(1)).max().orElseThrow();
        return contexts.stream().map(context -> lengthened(context, tokens)).toList();
    }

    /** AUTOMATIC1111 repeats the last token. */
    private static FloatArray lengthened(FloatArray context, int tokens) {
        int have = context.size(1);
        if (have == tokens) {
            return context;
        }
        int width = context.size(2);
        float[] values = new float[context.size(0) * tokens * width];
        for (int row = 0; row < context.size(0) * tokens; row++) {
            int token = Math.min(row % tokens, have - 1);
            System.arraycopy(context.values(), (row / tokens * have + token) * width, values, row * width, width);
        }
        return FloatArray.of(values, context.size(0), tokens, width);
    }
}
