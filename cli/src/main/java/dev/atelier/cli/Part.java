package dev.atelier.cli;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a checkpoint holds of one component.
 *
 * @param parameters elements of floating tensors: what the networks learn, without counters and index tables
 * @param types number of tensors by element type
 */
record Part(String label, int tensors, long parameters, long bytes, Map<String, Long> types) {

    /** The components that are there, in the order of {@link Component}. */
    static List<Part> of(Checkpoint checkpoint) {
        Map<Component, List<Tensor>> byComponent = new EnumMap<>(Component.class);
        checkpoint
                .tensors()
                .forEach((name, tensor) -> byComponent
                        .computeIfAbsent(Component.of(name), _ -> new ArrayList<>())
                        .add(tensor));
        List<Part> parts = new ArrayList<>();
        byComponent.forEach((component, tensors) -> parts.add(of(component.label(), tensors)));
        if (parts.size() > 1) {
            parts.add(of("all", List.copyOf(checkpoint.tensors().values())));
        }
        return parts;
    }

    private static Part of(String label, List<Tensor> tensors) {
        long parameters = tensors.stream()
                .filter(tensor -> tensor.dtype().isFloating())
                .mapToLong(tensor -> tensor.shape().elements())
                .sum();
        long bytes = tensors.stream().mapToLong(Tensor::byteSize).sum();
        Map<String, Long> types = new TreeMap<>();
        tensors.forEach(tensor -> types.merge(tensor.dtype().name(), 1L, Long::sum));
        return new Part(label, tensors.size(), parameters, bytes, types);
    }
}
