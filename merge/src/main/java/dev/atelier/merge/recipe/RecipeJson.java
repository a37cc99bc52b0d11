package dev.atelier.merge.recipe;

import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.JsonText;
import dev.atelier.merge.json.Json;
import dev.atelier.merge.recipe.Step.Input;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Recipes as JSON. */
final class RecipeJson {
    /** Goes up with every change after which older programs would read it wrongly. */
    private static final int VERSION = 1;

    private RecipeJson() {}

    static String of(Recipe recipe) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("version", VERSION);
        json.putAll(object(recipe.made()));
        if (!recipe.ancestors().isEmpty()) {
            Map<String, Object> ancestors = new LinkedHashMap<>();
            recipe.ancestors().forEach((sha256, step) -> ancestors.put(sha256, object(step)));
            json.put("ancestors", ancestors);
        }
        return JsonText.of(json);
    }

    private static Map<String, Object> object(Step step) {
        Map<String, Object> inputs = new LinkedHashMap<>();
        step.inputs().forEach((name, input) -> {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("file", input.file());
            json.put("size", input.size());
            json.put("sha256", input.sha256());
            inputs.put(name, json);
        });
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("program", step.program());
        json.put("expression", step.expression());
        json.put("format", step.format().toString());
        json.put("inputs", inputs);
        return json;
    }

    /** @throws InvalidCheckpointException naming {@code file} if {@code text} is no recipe */
    static Recipe parse(Path file, String text) {
        try {
            Map<String, @Nullable Object> json = Json.object(text);
            if (!(json.get("version") instanceof Number version)) {
                throw new IllegalArgumentException("it is no recipe of Atelier: it has no version");
            }
            if (version.doubleValue() != VERSION) {
                throw new IllegalArgumentException(
                        "its recipe is of version %s; this program reads %d".formatted(version, VERSION));
            }
            SequencedMap<String, Step> ancestors = new LinkedHashMap<>();
            object(json, "ancestors").forEach((sha256, _) -> {
                Map<String, @Nullable Object> step = object(object(json, "ancestors"), sha256);
                ancestors.put(requireHash(sha256), step(step));
            });
            return new Recipe(step(json), ancestors);
        } catch (IllegalArgumentException e) {
            throw new InvalidCheckpointException(file, Reason.BAD_INDEX, String.valueOf(e.getMessage()), e);
        }
    }

    private static Step step(Map<String, @Nullable Object> json) {
        SequencedMap<String, Input> inputs = new LinkedHashMap<>();
        Map<String, @Nullable Object> all = object(json, "inputs");
        all.keySet().forEach(name -> inputs.put(name, input(object(all, name))));
        String format = text(json, "format");
        return new Step(
                text(json, "program"),
                text(json, "expression"),
                Stream.of(Format.values())
                        .filter(known -> known.toString().equals(format))
                        .findFirst()
                        .orElseThrow(
                                () -> new IllegalArgumentException("its recipe is of an unknown format: " + format)),
                inputs);
    }

    private static Input input(Map<String, @Nullable Object> json) {
        long size = json.get("size") instanceof Number number ? number.longValue() : 0;
        return new Input(text(json, "file"), Math.max(0, size), requireHash(text(json, "sha256")));
    }

    private static String requireHash(String sha256) {
        if (!sha256.matches("([0-9a-f]{64})?")) {
            throw new IllegalArgumentException("its recipe is damaged: \"%s\" is no SHA-256".formatted(sha256));
        }
        return sha256;
    }

    private static String text(Map<String, @Nullable Object> json, String name) {
        if (json.get(name) instanceof String text) {
            return text;
        }
        throw new IllegalArgumentException("its recipe is damaged: \"%s\" is missing or no text".formatted(name));
    }

    /** Empty if there is none. */
    @SuppressWarnings("unchecked") // all maps that come from JSON have strings as keys
    private static Map<String, @Nullable Object> object(Map<String, @Nullable Object> json, String name) {
        return switch (json.get(name)) {
            case null -> Map.of();
            case Map<?, ?> object -> (Map<String, @Nullable Object>) object;
            case Object _ ->
                throw new IllegalArgumentException("its recipe is damaged: \"%s\" is no object".formatted(name));
        };
    }
}
