package dev.atelier.merge.lora;

import dev.atelier.checkpoint.JsonText;
import dev.atelier.merge.json.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What diffusers keeps of PEFT's configuration in the metadata of a LoRA, each entry behind the name of its network: above all the
 * alphas, for which PEFT has no tensors.
 */
final class AdapterMetadata {
    /** The entry of a file's metadata, JSON. */
    static final String KEY = "lora_adapter_metadata";

    private final Map<String, @Nullable Object> entries;

    private AdapterMetadata(Map<String, @Nullable Object> entries) {
        this.entries = entries;
    }

    /** @throws IllegalArgumentException if there is one that is no JSON object */
    static AdapterMetadata in(Map<String, String> metadata) {
        String json = metadata.get(KEY);
        return new AdapterMetadata(json == null ? Map.of() : Json.object(json));
    }

    /**
     * The alpha of a layer of a rank, such that alpha / rank is its scale.
     *
     * @param prefix {@code unet}, {@code text_encoder} or {@code text_encoder_2}
     * @param path the layer's, with dots
     */
    OptionalDouble alpha(String prefix, String path, int rank) {
        Object alpha = entries.get(prefix + ".lora_alpha");
        if (entries.get(prefix + ".alpha_pattern") instanceof Map<?, ?> patterns) {
            for (Map.Entry<?, ?> pattern : patterns.entrySet()) {
                String name = String.valueOf(pattern.getKey());
                if (name.startsWith("^") ? path.equals(name.substring(1)) : ("." + path).endsWith("." + name)) {
                    alpha = pattern.getValue();
                }
            }
        }
        if (!(alpha instanceof Number number)) {
            return OptionalDouble.empty();
        }
        boolean isRankStabilized = Boolean.TRUE.equals(entries.get(prefix + ".use_rslora"));
        return OptionalDouble.of(number.doubleValue() * (isRankStabilized ? Math.sqrt(rank) : 1));
    }

    /**
     * A layer as PEFT sees it.
     *
     * @param prefix {@code unet}, {@code text_encoder} or {@code text_encoder_2}
     */
    record Layer(String prefix, String path, int rank, double alpha, boolean isDecomposed) {}

    /** The entry for these layers: what most of a network's have, and by name those that have something else. */
    static String json(List<Layer> layers) {
        Map<String, Object> entries = new LinkedHashMap<>();
        for (String prefix : new TreeSet<>(layers.stream().map(Layer::prefix).toList())) {
            List<Layer> own =
                    layers.stream().filter(layer -> layer.prefix.equals(prefix)).toList();
            int rank = own.getFirst().rank;
            double alpha = own.getFirst().alpha;
            SequencedMap<String, Object> ranks = new LinkedHashMap<>();
            SequencedMap<String, Object> alphas = new LinkedHashMap<>();
            for (Layer layer : own) {
                if (layer.rank != rank) {
                    ranks.put("^" + layer.path, layer.rank);
                }
                if (layer.alpha != alpha) {
                    alphas.put("^" + layer.path, layer.alpha);
                }
            }
            entries.put(prefix + ".r", rank);
            entries.put(prefix + ".lora_alpha", alpha);
            entries.put(prefix + ".rank_pattern", ranks);
            entries.put(prefix + ".alpha_pattern", alphas);
            entries.put(
                    prefix + ".target_modules", own.stream().map(Layer::path).toList());
            entries.put(prefix + ".use_dora", own.stream().anyMatch(Layer::isDecomposed));
        }
        return JsonText.of(new TreeMap<>(entries));
    }
}
