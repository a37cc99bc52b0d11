package dev.atelier.merge.recipe;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.JsonText;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.WebUiMerge;
import dev.atelier.merge.json.Json;
import dev.atelier.merge.recipe.Step.Input;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What AUTOMATIC1111's Checkpoint Merger writes into the metadata of a merge ({@code modules/extras.py}): the last step as
 * {@code sd_merge_recipe}, and all models that it goes back to as {@code sd_merge_models}. Extensions use the same keys with
 * another {@code type}.
 */
final class WebUiMetadata {
    static final String RECIPE = "sd_merge_recipe";
    static final String MODELS = "sd_merge_models";

    private static final String TYPE = "webui";
    private static final String PROGRAM = "AUTOMATIC1111";
    private static final List<String> NAMES = List.of("A", "B", "C");

    /** Where the three hashes are: AUTOMATIC1111 and SD.Next, then SuperMerger and Chattiori's merger. */
    private static final List<List<String>> HASHES = List.of(
            List.of("primary_model_hash", "model_a"),
            List.of("secondary_model_hash", "model_b"),
            List.of("tertiary_model_hash", "model_c"));

    private static final String FIRST_CONVOLUTION = "model.diffusion_model.input_blocks.0.0.weight";
    private static final int CONFIG_OF_NONE = 3;

    private WebUiMetadata() {}

    /** The two entries for a file made so; none if AUTOMATIC1111 could not have made it. */
    static Map<String, String> of(Step made, Map<String, Path> files) {
        Optional<WebUiMerge> merge = ModelExpression.parse(made.expression()).webUiMerge();
        if (merge.isEmpty() || files.values().stream().anyMatch(Files::isDirectory)) {
            return Map.of();
        }
        List<String> names = merge.get().models();
        List<Input> inputs = names.stream()
                .map(name -> Objects.requireNonNull(made.inputs().get(name), name))
                .toList();
        List<Path> paths = names.stream()
                .map(name -> Objects.requireNonNull(files.get(name), name))
                .toList();
        List<Checkpoint> models = paths.stream().map(Checkpoints::open).toList();
        Map<String, @Nullable Object> recipe = new LinkedHashMap<>();
        recipe.put("type", TYPE);
        for (int i = 0; i < HASHES.size(); i++) {
            recipe.put(
                    HASHES.get(i).getFirst(), i < inputs.size() ? inputs.get(i).sha256() : null);
        }
        recipe.put("interp_method", merge.get().method());
        recipe.put("multiplier", merge.get().multiplier());
        recipe.put("save_as_half", merge.get().half());
        recipe.put("custom_name", "");
        recipe.put("config_source", CONFIG_OF_NONE);
        recipe.put("bake_in_vae", "None");
        recipe.put("discard_weights", "");
        recipe.put("is_inpainting", isWider(models, 9));
        recipe.put("is_instruct_pix2pix", isWider(models, 8));

        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        for (int i = 0; i < inputs.size(); i++) {
            Input input = inputs.get(i);
            Map<String, String> own = models.get(i).metadata();
            Map<String, @Nullable Object> entry = new LinkedHashMap<>();
            entry.put("name", input.file());
            entry.put("legacy_hash", FileHashes.autoV1(paths.get(i)));
            entry.put(RECIPE, own.containsKey(RECIPE) ? object(own.get(RECIPE)) : null);
            all.put(input.sha256(), entry);
            all.putAll(object(own.get(MODELS)));
        }
        Map<String, String> entries = new LinkedHashMap<>(); // the order is that of the file
        entries.put(RECIPE, JsonText.of(recipe));
        entries.put(MODELS, JsonText.of(all));
        return entries;
    }

    /** Whether the first model's UNet has that many input channels and the second's has 4. */
    private static boolean isWider(List<Checkpoint> models, int channels) {
        return models.size() > 1 && channels(models.get(0)) == channels && channels(models.get(1)) == 4;
    }

    private static long channels(Checkpoint model) {
        return model.find(FIRST_CONVOLUTION)
                .map(tensor -> tensor.shape().sizes())
                .filter(sizes -> sizes.length > 1)
                .map(sizes -> sizes[1])
                .orElse(0L);
    }

    /** The lineage that these entries tell, if they are there. What in them is not as it should be is left out. */
    static Optional<Recipe> recipe(Map<String, String> metadata) {
        Map<String, @Nullable Object> made = object(metadata.get(RECIPE));
        if (made.isEmpty()) {
            return Optional.empty();
        }
        Map<String, @Nullable Object> models = object(metadata.get(MODELS));
        SequencedMap<String, Step> ancestors = new LinkedHashMap<>();
        models.forEach((sha256, model) -> {
            if (isHash(sha256) && member(model, RECIPE) instanceof Map<?, ?> own) {
                ancestors.put(sha256, step(own, models));
            }
        });
        return Optional.of(new Recipe(step(made, models), ancestors));
    }

    private static Step step(Map<?, ?> made, Map<String, @Nullable Object> models) {
        SequencedMap<String, Input> inputs = new LinkedHashMap<>();
        for (int i = 0; i < NAMES.size(); i++) {
            for (String key : HASHES.get(i)) {
                if (made.get(key) instanceof String sha256 && isHash(sha256)) {
                    Object name = member(models.get(sha256), "name");
                    inputs.put(NAMES.get(i), new Input(name instanceof String text ? text : "", 0, sha256));
                }
            }
        }
        boolean webUis = TYPE.equals(made.get("type"));
        return new Step(
                webUis ? PROGRAM : String.valueOf(made.get("type")),
                webUis ? expression(made) : "",
                Format.SAFETENSORS,
                inputs);
    }

    /** The formula; baking a VAE in and dropping tensors by a pattern have no counterpart that gives the same. */
    private static String expression(Map<?, ?> made) {
        double m = made.get("multiplier") instanceof Number number ? number.doubleValue() : 0;
        String formula = switch (String.valueOf(made.get("interp_method"))) {
            case "Weighted sum" -> "weighted-sum(A, B, %s)".formatted(m);
            case "Add difference" -> "add-difference(A, B, C, %s)".formatted(m);
            case "No interpolation" -> "A";
            default -> "";
        };
        return formula + (!formula.isEmpty() && Boolean.TRUE.equals(made.get("save_as_half")) ? ".fp16()" : "");
    }

    private static @Nullable Object member(@Nullable Object object, String name) {
        return object instanceof Map<?, ?> map ? map.get(name) : null;
    }

    private static boolean isHash(String text) {
        return text.matches("[0-9a-f]{64}");
    }

    /** Empty, if it is missing or no JSON object: it is other programs' word, and no reason to refuse a file. */
    private static Map<String, @Nullable Object> object(@Nullable String text) {
        if (text == null) {
            return Map.of();
        }
        try {
            return Json.object(text);
        } catch (IllegalArgumentException _) {
            return Map.of();
        }
    }
}
