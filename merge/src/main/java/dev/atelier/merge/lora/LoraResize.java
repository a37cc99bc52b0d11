package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** A LoRA of lower rank. */
public final class LoraResize {
    private LoraResize() {}

    /**
     * Each layer as nearly as the ranks allow, with the strength that it has, under the same names and in the same precision. It
     * is computed now, several layers at once. What is no product of two factors stays as it is, biases for example.
     *
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if factors do not fit one another
     * @throws IllegalArgumentException if it is a LoHa or LoKr, which are no such products
     */
    public static Checkpoint of(Lora lora, Ranks ranks, Progress progress) {
        lora.requireParts(part -> !part.matches("(hada|lokr)_.*"), "resized");
        List<LoraModule> modules = lora.modules().stream()
                .filter(module -> module.has("lora_down") && module.has("lora_up"))
                .toList();
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>(lora.file().tensors());
        LoraLayers.each(
                        modules,
                        module -> module.part("lora_down").shape().elements(),
                        module -> resized(lora, module, ranks),
                        progress)
                .forEach(tensors::putAll);
        modules.forEach(module -> tensors.remove(module.names().get("lora_mid"))); // multiplied into the lower factor
        SequencedMap<String, String> metadata = new LinkedHashMap<>(lora.metadata());
        metadata.remove(AdapterMetadata.KEY);
        metadata.putAll(ranks.metadata());
        return Checkpoint.of(lora.file().sources(), tensors, metadata);
    }

    private static Map<String, Tensor> resized(Lora lora, LoraModule module, Ranks ranks) {
        LayerProduct old = lora.product(module);
        SingularValues values = SingularValues.of(old.factors());
        int rank = ranks.of(values, Math.max(1, ranks.most(old.isConvolution())));
        Map<String, String> names = module.names();
        boolean hasAlpha = names.containsKey("alpha") || names.containsKey("scale");
        Factors factors = values.nearest(rank);
        LayerProduct resized =
                new LayerProduct(hasAlpha ? factors : factors.times(old.scale()), old.scale(), old.input());
        DType dtype = module.part("lora_down").dtype();
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put(names.get("lora_up"), resized.up(dtype));
        tensors.put(names.get("lora_down"), resized.down(dtype));
        if (names.containsKey("alpha")) {
            tensors.put(names.get("alpha"), LayerProduct.scalar(old.scale() * rank, dtype));
        }
        return tensors;
    }
}
