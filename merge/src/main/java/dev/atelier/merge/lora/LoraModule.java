package dev.atelier.merge.lora;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a LoRA holds for one layer.
 *
 * @param network whose layer it is: {@code unet}, {@code te1} or {@code te2}
 * @param layer the layer's path with underscores in the place of dots, as kohya writes it
 * @param parts the tensors, by kohya's and LyCORIS's names for them, such as {@code lora_up}
 * @param names what these tensors are called in the file; those that come from its metadata have no name
 */
record LoraModule(String network, String layer, Map<String, Tensor> parts, Map<String, String> names) {
    private static final Pattern PRODUCT = Pattern.compile("lora_(up|down|mid)|hada_.*|lokr_.*|alpha|scale");

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

    /** Whether a part of that name is a factor, or what factors are multiplied by. */
    static boolean isOfProduct(String part) {
        return PRODUCT.matcher(part).matches();
    }

    /** Whether it is a product of two factors, whatever it is written as. */
    boolean isProduct() {
        return (has("lora_up") && has("lora_down")) || LycorisProduct.is(this);
    }

    /** The names of the parts that make the product. */
    List<String> productNames() {
        return names.entrySet().stream()
                .filter(named -> isOfProduct(named.getKey()))
                .map(Map.Entry::getValue)
                .toList();
    }

    /** What a factor is called in the file, or as kohya names it beside LyCORIS's. */
    String factorName(String factor) {
        return name(factor).orElseGet(() -> anyName().replaceFirst("\\.[^.]*$", "") + "." + factor + ".weight");
    }

    /** The type of its factors. */
    DType dtype() {
        return part(parts.keySet().stream()
                        .filter(part -> isOfProduct(part) && !part.equals("alpha"))
                        .findFirst()
                        .orElse("lora_down"))
                .dtype();
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
