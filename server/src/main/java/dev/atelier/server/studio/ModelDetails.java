package dev.atelier.server.studio;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Model;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Recognition;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.recipe.Recipe;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** All that is known of one model: what the catalog says, what its file says, and how it was made. */
final class ModelDetails {
    /** Training tools write megabytes of captions into one entry. */
    private static final int LONGEST_VALUE = 4000;

    private static final String THUMBNAIL = "modelspec.thumbnail";

    private final Catalog catalog;

    ModelDetails(Catalog catalog) {
        this.catalog = catalog;
    }

    Map<String, @Nullable Object> of(Model model) {
        Map<String, @Nullable Object> view = ModelRoutes.view(model);
        if (model.problem().isPresent()) {
            view.put("metadata", Map.of());
            view.put("notes", List.of());
            view.put("goesWith", List.of());
            return view;
        }
        Checkpoint checkpoint = Layout.normalize(Checkpoints.open(model.path()));
        Recognition recognition = Recognition.of(checkpoint);
        Compatibility compatibility = new Compatibility(catalog, model, checkpoint);
        view.put("weights", recognition.weights());
        view.put("prediction", recognition.prediction());
        view.put("nativeSize", recognition.weights().isEmpty() ? null : NativeSize.of(checkpoint, recognition));
        view.put("parts", parts(checkpoint));
        view.put("metadata", metadata(checkpoint));
        List<String> notes = new ArrayList<>(compatibility.notes());
        recognition.notes().stream().map(ModelDetails::sentence).forEach(notes::add);
        view.put("notes", notes);
        view.put("goesWith", compatibility.goesWith());
        view.put("companion", compatibility.companion().orElse(null));
        view.put("lineage", lineage(model).orElse(null));
        return view;
    }

    private static String sentence(String note) {
        return Character.toUpperCase(note.charAt(0)) + note.substring(1) + (note.endsWith(".") ? "" : ".");
    }

    private static List<Map<String, Object>> parts(Checkpoint checkpoint) {
        Map<Component, List<Tensor>> parts = new TreeMap<>();
        checkpoint
                .tensors()
                .forEach((name, tensor) -> parts.computeIfAbsent(Component.of(name), _ -> new ArrayList<>())
                        .add(tensor));
        return parts.entrySet().stream()
                .map(part -> part(part.getKey(), part.getValue()))
                .toList();
    }

    private static Map<String, Object> part(Component component, List<Tensor> tensors) {
        return Map.of(
                "name", component.label(),
                "tensors", tensors.size(),
                "bytes", tensors.stream().mapToLong(Tensor::byteSize).sum(),
                "dtypes",
                        tensors.stream()
                                .map(tensor -> tensor.dtype().name())
                                .distinct()
                                .collect(Collectors.joining(", ")));
    }

    private static Map<String, String> metadata(Checkpoint checkpoint) {
        Map<String, String> shown = new LinkedHashMap<>();
        checkpoint.metadata().forEach((name, value) -> {
            if (!name.equals(THUMBNAIL) && !Recipe.KEYS.contains(name)) {
                shown.put(name, value.length() <= LONGEST_VALUE ? value : value.substring(0, LONGEST_VALUE) + "…");
            }
        });
        return shown;
    }

    private Optional<Map<String, @Nullable Object>> lineage(Model model) {
        try {
            return Recipe.in(model.path()).map(recipe -> new Lineage(catalog, recipe).view());
        } catch (RuntimeException _) {
            return Optional.empty(); // a recipe that cannot be read is no reason to hide the model
        }
    }

    /** Names, types and shapes of the tensors whose name has {@code part} in it. */
    static Map<String, Object> tensors(Model model, String part, int offset, int limit) {
        List<Map.Entry<String, Tensor>> found = Checkpoints.open(model.path()).tensors().entrySet().stream()
                .filter(entry -> entry.getKey().contains(part))
                .toList();
        return Map.of(
                "total",
                found.size(),
                "tensors",
                found.stream()
                        .skip(offset)
                        .limit(limit)
                        .map(entry -> Map.of(
                                "name", entry.getKey(),
                                "dtype", entry.getValue().dtype().name(),
                                "shape", entry.getValue().shape().sizes()))
                        .toList());
    }
}
