package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Tensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * What of a model is trained; all else is frozen.
 *
 * @param weights tensors of the checkpoint, by name
 * @param adapters changes of layers
 * @param words vectors of new words, {@code [n, width]}: one tensor for each text encoder. The ids of these words follow CLIP's
 * @param rates a factor of the learning rate for each parameter, by name
 */
public record Trainable(
        Predicate<String> weights, List<Adapter> adapters, List<Tensor> words, ToDoubleFunction<String> rates) {
    public Trainable {
        adapters = List.copyOf(adapters);
        words = List.copyOf(words);
    }

    /** Tensors of the checkpoint. */
    public static Trainable weights(Predicate<String> weights) {
        return new Trainable(weights, List.of(), List.of(), _ -> 1);
    }

    /** LoRAs. */
    public static Trainable adapters(List<Adapter> adapters) {
        return adapters(adapters, _ -> 1, 1);
    }

    /**
     * LoRAs that learn at different speeds.
     *
     * @param rates a factor of the learning rate for each
     * @param plus another one for their second factors (Hayou et al. 2024, "LoRA+: Efficient Low Rank Adaptation of Large Models")
     */
    public static Trainable adapters(List<Adapter> adapters, ToDoubleFunction<Adapter> rates, double plus) {
        Map<String, Double> factors = new HashMap<>();
        for (Adapter adapter : adapters) {
            double rate = rates.applyAsDouble(adapter);
            adapter.parts().keySet().forEach(part -> factors.put(adapter.parameter(part), rate));
            factors.computeIfPresent(adapter.upName(), (_, own) -> own * plus);
        }
        return new Trainable(_ -> false, adapters, List.of(), name -> factors.getOrDefault(name, 1.0));
    }

    /** The vectors of new words. */
    public static Trainable words(List<Tensor> words) {
        return new Trainable(_ -> false, List.of(), words, _ -> 1);
    }

    /** With other factors of the learning rate. */
    public Trainable rates(ToDoubleFunction<String> factors) {
        return new Trainable(weights, adapters, words, factors);
    }

    /** What the parameter is called that holds the new words of a text encoder, counted from 0. */
    public static String wordsName(int encoder) {
        return "words." + encoder;
    }

    /** Where each parameter starts. */
    SequencedMap<String, Tensor> initial(Checkpoint model) {
        SequencedMap<String, Tensor> initial = new LinkedHashMap<>();
        model.tensors().forEach((name, tensor) -> {
            if (tensor.dtype().isFloating() && weights.test(name)) {
                initial.put(name, tensor);
            }
        });
        adapters.forEach(
                adapter -> adapter.parts().forEach((part, tensor) -> initial.put(adapter.parameter(part), tensor)));
        for (int i = 0; i < words.size(); i++) {
            initial.put(wordsName(i), words.get(i));
        }
        return initial;
    }
}
