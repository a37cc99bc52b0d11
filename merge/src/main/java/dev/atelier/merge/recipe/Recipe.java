package dev.atelier.merge.recipe;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.merge.recipe.Step.Input;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Function;

/**
 * Where a checkpoint comes from: how it was made, and how its inputs were, as far as they say so themselves. It holds no paths
 * and no times: the same command on the same files gives the same recipe.
 *
 * @param made the last step
 * @param ancestors the steps by the SHA-256 of the file that they made
 */
public record Recipe(Step made, SequencedMap<String, Step> ancestors) {
    /** The entry of the metadata that holds it as JSON. */
    public static final String KEY = "atelier.recipe";

    /** The file that holds it in a diffusers folder. */
    public static final String FILE = "atelier_recipe.json";

    /** All entries of the metadata that say how a file was made; those of an input say nothing about the result. */
    public static final Set<String> KEYS = Set.of(KEY, WebUiMetadata.RECIPE, WebUiMetadata.MODELS);

    private static final int LETTERS = 26;
    private static final long MAX_FILE = 10_000_000;

    public Recipe {
        ancestors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(ancestors));
    }

    /**
     * The recipe of a model that is about to be written. Its inputs' own recipes become part of it.
     *
     * @param program what makes it, with its version
     * @param hash gives the SHA-256 of a file, 64 lower-case hex digits
     */
    public static Recipe of(ResolvedModel model, String program, Format format, Function<Path, String> hash) {
        Map<String, String> letters = new HashMap<>();
        SequencedMap<String, Path> files = files(model, letters);
        SequencedMap<String, Input> inputs = new LinkedHashMap<>();
        SequencedMap<String, Step> ancestors = new LinkedHashMap<>();
        files.forEach((name, file) -> {
            Input input = InputFiles.of(file).input(hash);
            inputs.put(name, input);
            in(file, model::metadata).ifPresent(own -> {
                ancestors.put(input.sha256(), own.made);
                own.ancestors.forEach(ancestors::putIfAbsent);
            });
        });
        String expression = model.expression().canonical(letters).text();
        return new Recipe(new Step(program, expression, format, inputs), ancestors);
    }

    /** The files by the names that a recipe gives them: A, B, C, … in the order in which the expression needs them. */
    public static SequencedMap<String, Path> files(ResolvedModel model) {
        return files(model, new HashMap<>());
    }

    private static SequencedMap<String, Path> files(ResolvedModel model, Map<String, String> letters) {
        SequencedMap<String, Path> files = new LinkedHashMap<>();
        Map<Path, String> known = new HashMap<>();
        model.inputs().forEach((name, file) -> {
            String letter = known.computeIfAbsent(file.toAbsolutePath().normalize(), _ -> letter(known.size()));
            letters.put(name, letter);
            files.putIfAbsent(letter, file);
        });
        return files;
    }

    private static String letter(int index) {
        return index < LETTERS ? Character.toString('A' + index) : "M" + (index + 1);
    }

    /**
     * The recipe that a checkpoint carries: ours, or what AUTOMATIC1111 or an extension of it has written.
     *
     * @throws InvalidCheckpointException if there is one that cannot be read
     */
    public static Optional<Recipe> in(Path checkpoint) {
        return in(checkpoint, file -> Checkpoints.open(file).metadata());
    }

    private static Optional<Recipe> in(Path checkpoint, Function<Path, Map<String, String>> metadataOf) {
        Path beside = checkpoint.resolve(FILE);
        if (Files.isDirectory(checkpoint)) {
            return Files.exists(beside) ? Optional.of(read(beside)) : Optional.empty();
        }
        Map<String, String> metadata = metadataOf.apply(checkpoint);
        String json = metadata.get(KEY);
        boolean inWords = json != null && !json.startsWith("{"); // how a model was trained
        return json == null || inWords
                ? WebUiMetadata.recipe(metadata)
                : Optional.of(RecipeJson.parse(checkpoint, json));
    }

    /**
     * The recipe in a JSON file.
     *
     * @throws InvalidCheckpointException if it holds none
     * @throws UncheckedIOException if it cannot be read
     */
    public static Recipe read(Path json) {
        try {
            if (Files.size(json) > MAX_FILE) {
                throw new InvalidCheckpointException(json, Reason.BAD_INDEX, "it is too large for a recipe");
            }
            return RecipeJson.parse(json, new String(Files.readAllBytes(json), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As JSON, on one line; {@link #read} gives an equal recipe back. */
    public String json() {
        return RecipeJson.of(this);
    }

    /**
     * The metadata of a checkpoint that is made by this recipe: that of {@code made}, with this recipe in place of its inputs',
     * and for other programs what AUTOMATIC1111 writes into a merge, if this is one that it could have made.
     *
     * @param files the inputs by name
     */
    public SequencedMap<String, String> embedIn(Map<String, String> metadata, Map<String, Path> files) {
        SequencedMap<String, String> embedded = new LinkedHashMap<>(metadata);
        embedded.keySet().removeAll(KEYS);
        embedded.put(KEY, json());
        embedded.putAll(WebUiMetadata.of(made, files));
        return embedded;
    }
}
