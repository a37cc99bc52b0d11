package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * What a LoRA holds for one layer.
 *
 * @param network whose layer it is: {@code unet}, {@code te1} or {@code te2}
 * @param layer the layer's path with underscores in the place of dots, as kohya writes it
 * @param parts the tensors, by kohya's and LyCORIS's names for them, such as {@code lora_up}
 * @param names what these tensors are called in the file; those that come from its metadata have no name
 */
record LoraModule(String network, String layer, Map<String, Tensor> parts, Map<String, String> names) {
    boolean has(String part) {
        return parts.containsKey(part);
    }

    Optional<Tensor> find(String part) {
        return Optional.ofNullable(parts.get(part));
    }

    /** @throws IllegalArgumentException if there is none */
    Tensor part(String part) {
        return find(part).orElseThrow(() -> new IllegalArgumentException("%s is missing".formatted(part)));
    }

    /** What a part is called in the file. */
    Optional<String> name(String part) {
        return Optional.ofNullable(names.get(part));
    }

    /** What the file calls one of them, to be shown. */
    String anyName() {
        return names.values().iterator().next();
    }
}
