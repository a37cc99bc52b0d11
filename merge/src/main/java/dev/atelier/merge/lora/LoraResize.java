package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/** A LoRA of lower rank. */
public final class LoraResize {
    private LoraResize() {}

    /**
     * Each layer as nearly as the ranks allow, with the strength that it has, under the same names and in the same precision. It
     * is computed now, several layers at once. LoHa and LoKr become LoRA; what is no product of two factors stays as it is, biases
     * for example.
     *
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if factors do not fit one another
     */
    public static Checkpoint of(Lora lora, Ranks ranks, Progress progress) {
        List<LoraModule> modules =
                lora.modules().stream().filter(LoraModule::isProduct).toList();
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>(lora.file().tensors());
        modules.forEach(module -> tensors.keySet().removeAll(module.productNames()));
        LoraLayers.each(
                        modules,
                        module -> module.parts().values().stream()
                                .mapToLong(tensor -> tensor.shape().elements())
                                .sum(),
                        module -> resized(lora, module, ranks),
                        progress)
                .forEach(tensors::putAll);
        SequencedMap<String, String> metadata = new LinkedHashMap<>(lora.metadata());
        metadata.remove(AdapterMetadata.KEY);
        if (modules.stream().anyMatch(LycorisProduct::is)) {
            metadata.remove("ss_network_args");
            metadata.put("ss_network_module", "networks.lora");
        }
        metadata.putAll(ranks.metadata());
        return Checkpoint.of(lora.file().sources(), tensors, metadata);
    }

    private static Map<String, Tensor> resized(Lora lora, LoraModule module, Ranks ranks) {
        LayerProduct old = lora.product(module);
        SingularValues values = SingularValues.of(old.factors());
        int rank = ranks.of(values, Math.max(1, ranks.most(old.isConvolution())));
        Optional<String> alpha = module.name("alpha");
        Factors factors =
                alpha.isPresent() ? values.nearest(rank) : values.nearest(rank).times(old.scale());
        LayerProduct resized = new LayerProduct(factors, old.scale(), old.input());
        DType dtype = module.dtype();
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put(module.factorName("lora_up"), resized.up(dtype));
        tensors.put(module.factorName("lora_down"), resized.down(dtype));
        alpha.ifPresent(name -> tensors.put(name, LayerProduct.scalar(old.scale() * rank, dtype)));
        return tensors;
    }
}
