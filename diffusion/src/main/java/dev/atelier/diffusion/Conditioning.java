package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An encoded prompt.
 *
 * @param parts what stands between the words {@code AND}, at least one
 */
record Conditioning(List<Part> parts) {

    /**
     * @param weight how strongly this part guides beside the others
     * @param conditioning a row for each image
     */
    record Part(double weight, Timeline<UNetConditioning> conditioning) {}

    Conditioning {
        parts = List.copyOf(parts);
    }

    static Conditioning of(UNetConditioning conditioning) {
        return new Conditioning(List.of(new Part(1, Timeline.always(conditioning))));
    }

    double totalWeight() {
        return parts.stream().mapToDouble(Part::weight).sum();
    }

    /** How many tokens the longest part has. */
    int tokens() {
        return parts.stream()
                .mapToInt(part -> part.conditioning.at(0).context().size(1))
                .max()
                .orElseThrow();
    }

    /** The same with other contexts. */
    Conditioning map(UnaryOperator<FloatArray> change) {
        return new Conditioning(parts.stream()
                .map(part -> new Part(
                        part.weight, part.conditioning.map(one -> one.withContext(change.apply(one.context())))))
                .toList());
    }

    /** What is in force at a call of the network, all contexts as long as the longest. */
    List<UNetConditioning> at(int call) {
        List<UNetConditioning> current =
                parts.stream().map(part -> part.conditioning.at(call)).toList();
        int tokens = tokens();
        return current.stream()
                .map(one -> one.withContext(resized(one.context(), tokens)))
                .toList();
    }

    /** The rows of one after the other. */
    static UNetConditioning stack(List<UNetConditioning> all) {
        return new UNetConditioning(
                Latents.stack(all.stream().map(UNetConditioning::context).toArray(FloatArray[]::new)),
                stackIfAny(all.stream().map(UNetConditioning::vector)),
                stackIfAny(all.stream().map(UNetConditioning::image)),
                all.stream()
                        .flatMap(
                                one -> IntStream.range(0, one.context().size(0)).mapToObj(one::isNegative))
                        .toList(),
                List.of(),
                List.of());
    }

    private static @Nullable FloatArray stackIfAny(Stream<@Nullable FloatArray> arrays) {
        FloatArray[] present = arrays.filter(Objects::nonNull).toArray(FloatArray[]::new);
        return present.length == 0 ? null : Latents.stack(present);
    }

    /** With so many tokens: as AUTOMATIC1111 does it, the last is repeated, or what is too much cut off. */
    static FloatArray resized(FloatArray context, int tokens) {
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
