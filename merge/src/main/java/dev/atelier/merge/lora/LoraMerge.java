package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;

/** Several LoRAs as one that has the effect of all. */
public final class LoraMerge {
    /** Numbers that are added to a weight or a bias as they are. */
    private static final Set<String> ADDENDS = Set.of("diff", "diff_b", "w_norm", "b_norm");

    private LoraMerge() {}

    /** A LoRA with its strengths. */
    public record Weighted(Lora lora, double unet, double text) {
        private double strength(LoraModule module) {
            return module.network().equals("unet") ? unet : text;
        }
    }

    private record Part(Lora lora, LoraModule module, double strength) {
        Optional<Tensor> tensor(String part) {
            return module.find(part);
        }

        String name(String part) {
            return module.name(part).orElseThrow();
        }
    }

    /**
     * The LoRA whose effect on any model is that of all, each at its strength, under the names and in the precision of the first
     * that has a layer. It is computed now, several layers at once.
     *
     * @param ranks empty for an exact sum, whose rank is the sum of the ranks; otherwise the nearest of those ranks
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if factors do not fit one another
     * @throws IllegalArgumentException if a LoRA is none whose effect is a sum (DoRA, (IA)³), or layers differ in size
     */
    public static Checkpoint of(List<Weighted> loras, Optional<Ranks> ranks, Progress progress) {
        Map<List<String>, List<Part>> layers = new LinkedHashMap<>();
        for (Weighted weighted : loras) {
            weighted.lora()
                    .requireParts(part -> LoraModule.isOfProduct(part) || ADDENDS.contains(part), "merged with others");
            for (LoraModule module : weighted.lora().modules()) {
                if (weighted.strength(module) != 0) {
                    layers.computeIfAbsent(List.of(module.network(), module.layer()), _ -> new ArrayList<>())
                            .add(new Part(weighted.lora(), module, weighted.strength(module)));
                }
            }
        }
        if (layers.isEmpty()) {
            throw new IllegalArgumentException("nothing is left to merge: all strengths are 0");
        }
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
        LoraLayers.each(
                        List.copyOf(layers.values()),
                        parts -> parts.stream()
                                .flatMap(part -> part.module.parts().values().stream())
                                .mapToLong(tensor -> tensor.shape().elements())
                                .sum(),
                        parts -> merged(parts, ranks),
                        progress)
                .forEach(tensors::putAll);
        Checkpoint first = loras.getFirst().lora().file();
        return Checkpoint.of(first.sources(), tensors, metadata(first.metadata(), ranks))
                .withSourcesOf(
                        loras.stream().map(weighted -> weighted.lora().file()).toArray(Checkpoint[]::new));
    }

    private static Map<String, Tensor> merged(List<Part> parts, Optional<Ranks> ranks) {
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
        for (String addend : ADDENDS) {
            List<Part> having = parts.stream()
                    .filter(part -> part.tensor(addend).isPresent())
                    .toList();
            if (!having.isEmpty()) {
                tensors.put(having.getFirst().name(addend), sum(addend, having));
            }
        }
        List<Part> products =
                parts.stream().filter(part -> part.module.isProduct()).toList();
        if (products.isEmpty()) {
            return tensors;
        }
        Part first = products.getFirst();
        if (parts.stream().anyMatch(part -> part.tensor("diff").isPresent())) {
            throw new IllegalArgumentException(
                    "the layer of \"%s\" is a product in one LoRA and a whole difference in another; such cannot be merged"
                            .formatted(first.module.anyName()));
        }
        LayerProduct sum = sum(products, ranks);
        DType dtype = first.module.dtype();
        tensors.put(first.module.factorName("lora_up"), sum.up(dtype));
        tensors.put(first.module.factorName("lora_down"), sum.down(dtype));
        first.module // without one it is the rank as well
                .name("alpha")
                .ifPresent(alpha ->
                        tensors.put(alpha, LayerProduct.scalar(sum.factors().rank(), dtype)));
        return tensors;
    }

    /** The sum of products as one product of scale 1. */
    private static LayerProduct sum(List<Part> parts, Optional<Ranks> ranks) {
        LayerProduct first = parts.getFirst().lora.product(parts.getFirst().module);
        Factors sum = first.factors().times(first.scale() * parts.getFirst().strength);
        for (Part part : parts.subList(1, parts.size())) {
            LayerProduct next = part.lora.product(part.module);
            if (next.factors().up().numRows != sum.up().numRows
                    || next.factors().down().numCols != sum.down().numCols) {
                throw differs(parts.getFirst(), part);
            }
            sum = sum.plus(next.factors().times(next.scale() * part.strength));
        }
        if (ranks.isPresent()) {
            SingularValues values = SingularValues.of(sum);
            int most = Math.max(1, ranks.get().most(first.isConvolution()));
            sum = values.nearest(ranks.get().of(values, most));
        }
        return new LayerProduct(sum, 1, first.input());
    }

    private static Tensor sum(String part, List<Part> addends) {
        Tensor first = addends.getFirst().tensor(part).orElseThrow();
        double[] sum = new double[Math.toIntExact(first.shape().elements())];
        for (Part addend : addends) {
            double[] values = Delta.load(addend.tensor(part).orElseThrow());
            if (values.length != sum.length) {
                throw differs(addends.getFirst(), addend);
            }
            for (int i = 0; i < sum.length; i++) {
                sum[i] += addend.strength * values[i];
            }
        }
        return LayerProduct.held(sum, first.shape(), first.dtype());
    }

    private static IllegalArgumentException differs(Part one, Part other) {
        return new IllegalArgumentException("\"%s\" in %s and \"%s\" in %s are for layers of different size"
                .formatted(
                        one.module.anyName(),
                        one.lora.file().name(),
                        other.module.anyName(),
                        other.lora.file().name()));
    }

    private static Map<String, String> metadata(Map<String, String> first, Optional<Ranks> ranks) {
        SequencedMap<String, String> metadata = new LinkedHashMap<>();
        metadata.put("ss_network_module", "networks.lora");
        ranks.ifPresentOrElse(known -> metadata.putAll(known.metadata()), () -> {
            metadata.put("ss_network_dim", "Dynamic");
            metadata.put("ss_network_alpha", "Dynamic");
        });
        for (String key : List.of("ss_base_model_version", "ss_v2")) {
            if (first.containsKey(key)) {
                metadata.put(key, first.get(key));
            }
        }
        return metadata;
    }
}
