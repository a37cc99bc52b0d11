package dev.atelier.server.a1111;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Model;
import dev.atelier.catalog.ModelKind;
import dev.atelier.catalog.ModelQuery;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.diffusion.Extraction;
import dev.atelier.model.Embedding;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UpscalerModel;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What requests may name beside a model.
 *
 * @param selected the file of the model that is drawn with
 */
record NetworkRoutes(Catalog catalog, Supplier<Path> selected) {
    private static final int MOST = 10_000;

    private List<Model> models(ModelKind kind) {
        return catalog.list(ModelQuery.ALL.ofKind(kind).onlyBroken(false).limitedTo(MOST))
                .models();
    }

    /** {@code GET /sdapi/v1/loras}. */
    List<Map<String, Object>> loras() {
        return models(ModelKind.LORA).stream().map(NetworkRoutes::lora).toList();
    }

    /** {@code GET /sdapi/v1/sd-vae}. */
    List<Map<String, String>> vaes() {
        return models(ModelKind.VAE).stream()
                .map(model -> Map.of(
                        "model_name",
                        String.valueOf(model.path().getFileName()),
                        "filename",
                        model.path().toString()))
                .toList();
    }

    private static Map<String, Object> lora(Model model) {
        Map<String, String> metadata = metadata(model);
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("name", model.stem());
        entry.put("alias", metadata.getOrDefault("ss_output_name", model.stem()));
        entry.put("path", model.path().toString());
        entry.put("metadata", metadata);
        return entry;
    }

    private static Map<String, String> metadata(Model model) {
        try {
            return Checkpoints.open(model.path()).metadata();
        } catch (InvalidCheckpointException | UncheckedIOException _) {
            return Map.of(); // changed since it was scanned
        }
    }

    /** {@code GET /sdapi/v1/embeddings}: those for the selected model, and the others. */
    Map<String, Object> embeddings() {
        Map<String, Object> loaded = new LinkedHashMap<>();
        Map<String, Object> skipped = new LinkedHashMap<>();
        List<Integer> widths = widths();
        for (Model model : models(ModelKind.EMBEDDING)) {
            try {
                Embedding embedding = Embedding.open(model.path());
                (embedding.widths().equals(widths) ? loaded : skipped)
                        .put(embedding.name(), embedding(embedding, metadata(model)));
            } catch (InvalidCheckpointException | UncheckedIOException _) {
                // changed since it was scanned
            }
        }
        return Map.of("loaded", loaded, "skipped", skipped);
    }

    private List<Integer> widths() {
        try {
            return StableDiffusion.of(Checkpoints.open(selected.get())).tokenWidths();
        } catch (InvalidCheckpointException | UncheckedIOException _) {
            return List.of();
        }
    }

    private static Map<String, @Nullable Object> embedding(Embedding embedding, Map<String, String> metadata) {
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        String step = metadata.get("step");
        entry.put("step", step != null && step.matches("\\d{1,9}") ? Integer.valueOf(step) : null);
        entry.put("sd_checkpoint", metadata.get("sd_checkpoint"));
        entry.put("sd_checkpoint_name", metadata.get("sd_checkpoint_name"));
        entry.put("shape", embedding.widths().stream().mapToInt(width -> width).sum());
        entry.put("vectors", embedding.vectors());
        return entry;
    }

    /** {@code GET /sdapi/v1/hypernetworks}. */
    List<Map<String, Object>> hypernetworks() {
        return models(ModelKind.HYPERNETWORK).stream()
                .map(model -> Map.<String, Object>of(
                        "name", model.stem(), "path", model.path().toString()))
                .toList();
    }

    /** Upscaling networks. */
    List<Model> upscalers() {
        return models(ModelKind.UPSCALER);
    }

    /** {@code GET /sdapi/v1/realesrgan-models}: AUTOMATIC1111 lists its authors' here, which are no others. */
    List<Map<String, Object>> upscalingNetworks() {
        return upscalers().stream()
                .<Map<String, Object>>map(model ->
                        Map.of("name", model.stem(), "path", model.path().toString(), "scale", scale(model)))
                .toList();
    }

    private static int scale(Model model) {
        try {
            return UpscalerModel.of(Checkpoints.open(model.path())).scale();
        } catch (InvalidCheckpointException | UncheckedIOException _) {
            return 4; // what AUTOMATIC1111 says of those that know no scale
        }
    }

    /** {@code GET /controlnet/model_list}. */
    Map<String, Object> controlNets() {
        return Map.of(
                "model_list",
                models(ModelKind.CONTROLNET).stream().map(Model::stem).toList());
    }

    /** {@code GET /controlnet/module_list}. */
    static Map<String, Object> extractions() {
        return Map.of("module_list", Extraction.labels(), "module_detail", Map.of());
    }
}
