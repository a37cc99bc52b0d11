package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.torch.Adapter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What a file has for one layer, to go on from.
 *
 * @param name of the layer and the file, for messages
 * @param parts as in {@link Adapter#parts}
 * @param rank 1 if it has none, as a LoKr of two whole matrices
 * @param rows of the weight that it changes
 * @param columns all others of that weight together
 */
record StoredAdapter(
        String name, SequencedMap<String, Tensor> parts, long rank, double alpha, long rows, long columns) {
    /** @return null if the file has nothing for the layer in this form */
    static @Nullable StoredAdapter find(Checkpoint file, String name, Adapter.Form form) {
        SequencedMap<String, Tensor> parts = new LinkedHashMap<>();
        for (String part : names(form)) {
            file.find(name + "." + part).ifPresent(tensor -> parts.put(part, tensor));
        }
        if (parts.isEmpty()) {
            return null;
        }
        Stored stored = new Stored(
                "%s: %s".formatted(file.name(), name),
                parts,
                file.find(name + ".alpha").orElse(null));
        return switch (form) {
            case LORA, DORA -> stored.product(1, 1, "lora_up.weight", "lora_down.weight");
            case LOHA -> {
                stored.part("hada_w2_a");
                stored.part("hada_w2_b");
                yield stored.product(1, 1, "hada_w1_a", "hada_w1_b");
            }
            case LOKR -> {
                Shape first = stored.part("lokr_w1").shape();
                yield parts.containsKey("lokr_w2")
                        ? stored.whole(first, stored.part("lokr_w2").shape())
                        : stored.product(first.size(0), first.size(1), "lokr_w2_a", "lokr_w2_b");
            }
        };
    }

    private record Stored(
            String what,
            SequencedMap<String, Tensor> parts,
            @Nullable Tensor alpha) {
        Tensor part(String name) {
            Tensor part = parts.get(name);
            if (part == null) {
                throw new IllegalArgumentException(
                        "%s has no %s, without which it cannot be trained on".formatted(what, name));
            }
            if (part.shape().rank() < 2 || part.shape().elements() == 0) {
                throw new IllegalArgumentException("%s.%s is no matrix, but %s".formatted(what, name, part.shape()));
            }
            return part;
        }

        /** Of {@code [rows, rank]} and {@code [rank, columns]}, times what of LoKr stands before. */
        StoredAdapter product(long outer, long inner, String left, String right) {
            long rank = part(right).shape().size(0);
            return new StoredAdapter(
                    what,
                    parts,
                    rank,
                    alpha(rank),
                    outer * (part(left).shape().elements() / rank),
                    inner * (part(right).shape().elements() / rank));
        }

        StoredAdapter whole(Shape first, Shape second) {
            long rows = second.size(0);
            return new StoredAdapter(
                    what, parts, 1, alpha(1), first.size(0) * rows, first.size(1) * (second.elements() / rows));
        }

        private double alpha(long rank) {
            if (alpha == null) {
                return rank;
            }
            float[] value = new float[1];
            alpha.to(DType.F32).read(0, value, 1);
            return value[0];
        }
    }

    private static List<String> names(Adapter.Form form) {
        return switch (form) {
            case LORA -> List.of("lora_down.weight", "lora_up.weight");
            case DORA -> List.of("lora_down.weight", "lora_up.weight", "dora_scale");
            case LOHA -> List.of("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b");
            case LOKR -> List.of("lokr_w1", "lokr_w2", "lokr_w2_a", "lokr_w2_b");
        };
    }

    /** @throws IllegalArgumentException if it is not of a weight of this shape */
    void require(Shape weight) {
        long expected = weight.elements() / weight.size(0);
        if (rows != weight.size(0) || columns != expected) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "%s is of a weight of %d × %d, and the model's has %d × %d",
                    name,
                    rows,
                    columns,
                    weight.size(0),
                    expected));
        }
    }
}
