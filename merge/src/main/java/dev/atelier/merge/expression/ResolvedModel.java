package dev.atelier.merge.expression;

import dev.atelier.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * An expression whose names have become files.
 *
 * @param checkpoint what it stands for: a lazy view
 * @param inputs the files by the names that the expression gives them, in order of appearance
 */
public record ResolvedModel(ModelExpression expression, Checkpoint checkpoint, SequencedMap<String, Path> inputs) {
    public ResolvedModel {
        inputs = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(inputs));
    }

    /** The file or folder, if the expression is nothing but the name of one. */
    public Optional<Path> file() {
        return expression.singleName().map(inputs::get);
    }
}
