package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.LoraLayer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The layers of a checkpoint by the names that LoRA files give them. */
final class Weights {
    private final Map<String, LoraLayer> layers = new HashMap<>();

    /** @param model in the single-file layout */
    Weights(Checkpoint model) {
        LoraLayer.of(model).forEach(layer -> {
            put(layer, layer.original());
            put(layer, layer.diffusers());
        });
    }

    private void put(LoraLayer layer, String path) {
        layers.put(layer.network() + ":" + path.replace('.', '_'), layer);
    }

    Optional<LoraLayer> find(LoraModule module) {
        return Optional.ofNullable(layers.get(module.network() + ":" + module.layer()));
    }
}
