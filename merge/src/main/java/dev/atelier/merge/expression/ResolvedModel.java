package dev.atelier.merge.expression;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * An expression whose names have become files.
 *
 * @param checkpoint what it stands for: a lazy view
 * @param inputs the files by the names that the expression gives them, in order of appearance
 * @param warnings what a user should know: which tensors of a LoRA have no place in the model
 * @param metadata what the files that have been opened say of themselves
 */
public record ResolvedModel(
        ModelExpression expression,
        Checkpoint checkpoint,
        SequencedMap<String, Path> inputs,
        List<String> warnings,
        Map<Path, Map<String, String>> metadata) {
    public ResolvedModel {
        metadata = Map.copyOf(metadata);
        warnings = List.copyOf(warnings);
        inputs = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(inputs));
    }

    /** The model after a step of {@link ModelFunction} that has been done already and gave {@code result}. */
    public ResolvedModel after(String function, Checkpoint result) {
        ModelExpression longer = ModelExpression.call(function, List.of(expression), Map.of());
        return new ResolvedModel(longer, result, inputs, warnings, metadata);
    }

    /** The metadata of a file, which is read if it has not been yet. */
    public Map<String, String> metadata(Path file) {
        Map<String, String> known = metadata.get(file);
        return known == null ? Checkpoints.open(file).metadata() : known;
    }

    /** The file or folder, if the expression is nothing but the name of one. */
    public Optional<Path> file() {
        return expression.singleName().map(inputs::get);
    }
}
