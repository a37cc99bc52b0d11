package dev.atelier.server.worker;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The request of a job that writes a model: a merge or a conversion.
 *
 * @param expression of models of the shelf
 * @param file the new model's path below the models folder, with {@code /}; its ending says the format
 * @param overwrite whether a file of that name may be replaced; an input never is
 * @param copyMetadata whether the metadata of all inputs go in, those of later ones before those of earlier
 * @param addRecipe whether the recipe goes in
 * @param metadata further entries, before all others
 * @param configs models of the shelf: the first of them with a {@code .yaml} beside it lends that to the new one
 */
public record WriteTask(
        String expression,
        String file,
        boolean overwrite,
        boolean copyMetadata,
        boolean addRecipe,
        @Nullable Map<String, String> metadata,
        @Nullable List<String> configs) {}
