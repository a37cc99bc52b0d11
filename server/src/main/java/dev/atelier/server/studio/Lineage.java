package dev.atelier.server.studio;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Model;
import dev.atelier.merge.recipe.Recipe;
import dev.atelier.merge.recipe.Step;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A recipe as a tree. Every ancestor is unfolded once: a file can go in in many ways, and a damaged recipe run in circles. */
final class Lineage {
    private final Catalog catalog;
    private final Recipe recipe;
    private final Set<String> unfolded = new HashSet<>();

    Lineage(Catalog catalog, Recipe recipe) {
        this.catalog = catalog;
        this.recipe = recipe;
    }

    Map<String, @Nullable Object> view() {
        return view(recipe.made());
    }

    private Map<String, @Nullable Object> view(Step step) {
        List<Map<String, @Nullable Object>> inputs = new ArrayList<>();
        step.inputs().forEach((name, input) -> {
            Step own = recipe.ancestors().get(input.sha256());
            Map<String, @Nullable Object> entry = new LinkedHashMap<>();
            entry.put("name", name);
            entry.put("file", input.file());
            entry.put("size", input.size());
            entry.put("sha256", input.sha256());
            entry.put("model", catalog.bySha256(input.sha256()).map(Model::id).orElse(null));
            entry.put("step", own != null && unfolded.add(input.sha256()) ? view(own) : null);
            inputs.add(entry);
        });
        Map<String, @Nullable Object> view = new LinkedHashMap<>();
        view.put("program", step.program());
        view.put("expression", step.expression());
        view.put("inputs", inputs);
        return view;
    }
}
