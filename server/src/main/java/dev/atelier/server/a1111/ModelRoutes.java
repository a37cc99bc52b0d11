package dev.atelier.server.a1111;

import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelShelf;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What there is to draw with. */
final class ModelRoutes {
    private ModelRoutes() {}

    /** {@code GET /sdapi/v1/sd-models}. Exactly these fields: a client breaks on any other. */
    static List<Map<String, @Nullable Object>> models(ModelShelf shelf) {
        return shelf.list().stream().map(ModelRoutes::model).toList();
    }

    private static Map<String, @Nullable Object> model(ModelFile model) {
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        entry.put("title", model.title());
        entry.put("model_name", model.modelName());
        entry.put("hash", model.shortHash());
        entry.put("sha256", model.sha256());
        entry.put("filename", model.path().toString());
        entry.put("config", null);
        return entry;
    }
}
