package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.LoraLayer;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;

/** How programs name the tensors of a LoRA. */
public enum LoraNaming {
    /** {@code lora_unet_….lora_down.weight}: kohya, AUTOMATIC1111, ComfyUI. For XL with SGM's names of layers. */
    KOHYA {
        @Override
        Checkpoint of(Lora lora) {
            boolean isXl = isXl(lora);
            SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
            for (LoraModule module : lora.modules()) {
                String layer = module.layer();
                if (module.network().equals("unet")) {
                    String path = path(lora, module);
                    layer = (isXl ? original(lora, module, path) : path).replace('.', '_');
                }
                String prefix = module.network().equals("te1") && !isXl ? "te" : module.network();
                String name = "lora_%s_%s.".formatted(prefix, layer);
                module.parts().forEach((part, tensor) -> {
                    switch (part) {
                        case "lora_up", "lora_down", "lora_mid" -> tensors.put(name + part + ".weight", tensor);
                        case "magnitude" -> tensors.put(name + "dora_scale", asColumn(tensor));
                        case "alpha" ->
                            tensors.put(name + part, module.name(part).isPresent() ? tensor : rounded(tensor, module));
                        default -> tensors.put(name + part, tensor);
                    }
                });
            }
            SequencedMap<String, String> metadata = new LinkedHashMap<>(lora.metadata());
            metadata.remove(AdapterMetadata.KEY);
            return Checkpoint.of(lora.file().sources(), tensors, metadata);
        }
    },

    /** {@code unet.….lora_A.weight}: what diffusers writes and loads; the alphas are in the metadata. */
    DIFFUSERS {
        @Override
        Checkpoint of(Lora lora) {
            lora.requireParts(NAMED_BY_PEFT::contains, "named as diffusers does");
            SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
            List<AdapterMetadata.Layer> layers = new ArrayList<>();
            boolean hasAlphas = false;
            for (LoraModule module : lora.modules()) {
                String prefix = prefix(module);
                String path = path(lora, module);
                String name = "%s.%s.".formatted(prefix, path);
                LayerProduct product = lora.product(module);
                int rank = product.factors().rank();
                hasAlphas |= module.has("alpha");
                layers.add(new AdapterMetadata.Layer(
                        prefix, path, rank, product.scale() * rank, module.has("dora_scale")));
                module.parts().forEach((part, tensor) -> {
                    switch (part) {
                        case "lora_up" -> tensors.put(name + "lora_B.weight", tensor);
                        case "lora_down" -> tensors.put(name + "lora_A.weight", tensor);
                        case "magnitude" -> tensors.put(name + "lora_magnitude_vector.weight", tensor);
                        case "dora_scale" -> tensors.put(name + "lora_magnitude_vector.weight", asVector(lora, module));
                        default -> {} // alpha, which PEFT keeps in its configuration
                    }
                });
            }
            SequencedMap<String, String> metadata = new LinkedHashMap<>(lora.metadata());
            if (hasAlphas) {
                metadata.put(AdapterMetadata.KEY, AdapterMetadata.json(layers));
            }
            return Checkpoint.of(lora.file().sources(), tensors, metadata);
        }
    };

    private static final Set<String> NAMED_BY_PEFT = Set.of("lora_up", "lora_down", "alpha", "dora_scale", "magnitude");

    /**
     * The same LoRA under these names; no number is computed. Tensors of unknown kinds are refused, so that none is lost.
     *
     * @throws InvalidCheckpointException naming a tensor or layer for which there is no such name
     * @throws IllegalArgumentException if it is of a kind that has no such names
     */
    public Checkpoint rename(Lora lora) {
        if (!lora.unknown().isEmpty()) {
            throw unnamed(lora, lora.unknown().getFirst());
        }
        return of(lora);
    }

    abstract Checkpoint of(Lora lora);

    /** Diffusers' name of the network. */
    static String prefix(LoraModule module) {
        return switch (module.network()) {
            case "te1" -> "text_encoder";
            case "te2" -> "text_encoder_2";
            default -> "unet";
        };
    }

    /** XL's has a second text encoder, several transformer blocks to an attention, or a context of 2048. */
    private static boolean isXl(Lora lora) {
        return lora.metadata().getOrDefault("ss_base_model_version", "").startsWith("sdxl")
                || lora.modules().stream()
                        .anyMatch(module -> module.network().equals("te2")
                                || (module.network().equals("unet")
                                        && (LoraPaths.isSgm(module.layer())
                                                || module.layer().matches(".*_transformer_blocks_[1-9].*")
                                                || hasWideContext(module))));
    }

    private static boolean hasWideContext(LoraModule module) {
        Tensor down = module.parts().get("lora_down");
        return down != null
                && module.layer().matches(".*_attn2_to_[kv]")
                && down.shape().rank() == 2
                && down.shape().size(1) == 2048;
    }

    private static String path(Lora lora, LoraModule module) {
        return LoraPaths.diffusers(module.layer()).orElseThrow(() -> unnamed(lora, module.anyName()));
    }

    private static String original(Lora lora, LoraModule module, String path) {
        return LoraLayer.originalOfXl(path).orElseThrow(() -> unnamed(lora, module.anyName()));
    }

    private static InvalidCheckpointException unnamed(Lora lora, String tensor) {
        return new InvalidCheckpointException(
                lora.file().name(),
                Reason.UNKNOWN_LAYOUT,
                "for \"%s\" other programs have no name that is known here".formatted(tensor));
    }

    /** An alpha that comes from the metadata gets the precision of the factors. */
    private static Tensor rounded(Tensor alpha, LoraModule module) {
        return LayerProduct.scalar(
                Delta.load(alpha)[0], module.part("lora_down").dtype());
    }

    /** PEFT's magnitudes, [out] or [1, out, 1, 1], as LyCORIS shapes them: [out, 1] or [out, 1, 1, 1]. */
    private static Tensor asColumn(Tensor magnitude) {
        long outputs = magnitude.shape().elements();
        Shape shape = magnitude.shape().rank() == 4 ? Shape.of(outputs, 1, 1, 1) : Shape.of(outputs, 1);
        return LayerProduct.held(Delta.load(magnitude), shape, magnitude.dtype());
    }

    private static Tensor asVector(Lora lora, LoraModule module) {
        Tensor lengths = module.part("dora_scale");
        long outputs = module.part("lora_up").shape().size(0);
        if (lengths.shape().elements() != outputs
                || (lengths.shape().rank() > 1 && lengths.shape().size(0) == 1)) {
            throw unnamed(lora, module.anyName());
        }
        Shape shape = lengths.shape().rank() == 4 ? Shape.of(1, outputs, 1, 1) : Shape.of(outputs);
        return LayerProduct.held(Delta.load(lengths), shape, lengths.dtype());
    }
}
