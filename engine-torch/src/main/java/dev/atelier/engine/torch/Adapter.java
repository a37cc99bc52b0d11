package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Tensor;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * A change of one layer that is trained in place of its weight.
 *
 * @param name what its parameters' names begin with
 * @param weight the name of the layer's weight in the checkpoint
 * @param third which third of the weight's rows the layer is, 0 to 2; -1 for all of them
 * @param parts where its parameters start, by what they are called behind the name
 * @param scale what the change is multiplied by
 */
public record Adapter(
        String name, String weight, int third, Form form, SequencedMap<String, Tensor> parts, double scale) {
    private static final String DOWN = "lora_down.weight";
    private static final String UP = "lora_up.weight";

    /** How a change follows from its parts. {@code k} stands for a convolution's size, and is left out of other layers. */
    public enum Form {
        /**
         * up · down, {@code lora_down.weight [rank, in, k, k]} and {@code lora_up.weight [out, rank, 1, 1]} (Hu et al. 2021,
         * "LoRA: Low-Rank Adaptation of Large Language Models"). Of a convolution, {@code down} is one too, with the layer's stride
         * and padding.
         */
        LORA,

        /**
         * The same, and each row of the changed weight is then made as long as {@code dora_scale [out, 1, 1, 1]} says (Liu et al. 2024,
         * "DoRA: Weight-Decomposed Low-Rank Adaptation"). As in its section 4.3 the row's own length counts as a constant.
         */
        DORA,

        /**
         * (w1_a · w1_b) ∘ (w2_a · w2_b), {@code hada_w1_a [out, rank]} and {@code hada_w1_b [rank, in·k·k]} (Hyeon-Woo et al. 2022,
         * "FedPara"; LyCORIS).
         */
        LOHA,

        /**
         * The Kronecker product of {@code lokr_w1 [a, c]} and {@code lokr_w2 [out/a, in/c, k, k]}, or of the product of
         * {@code lokr_w2_a [out/a, rank]} and {@code lokr_w2_b [rank, in/c·k·k]} in its place (LyCORIS).
         */
        LOKR
    }

    public Adapter {
        parts = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(parts));
    }

    /** A LoRA. */
    public static Adapter lora(String name, String weight, int third, Tensor down, Tensor up, double scale) {
        SequencedMap<String, Tensor> parts = new LinkedHashMap<>();
        parts.put(DOWN, down);
        parts.put(UP, up);
        return new Adapter(name, weight, third, Form.LORA, parts, scale);
    }

    /** Its parts but for a DoRA's lengths: those whose product is the change. */
    Collection<String> factors() {
        return parts.keySet().stream()
                .filter(part -> !part.equals("dora_scale"))
                .toList();
    }

    /** The name of a parameter. */
    public String parameter(String part) {
        return name + "." + part;
    }

    /** What the parameter of a LoRA's first factor is called. */
    public String downName() {
        return parameter(DOWN);
    }

    /** What the parameter of a LoRA's second factor is called. */
    public String upName() {
        return parameter(UP);
    }
}
