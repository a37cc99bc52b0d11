package dev.atelier.server.worker;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a job that writes a model leaves behind.
 *
 * @param file its path below the models folder
 * @param bytes of its tensors
 * @param model its id in the catalog
 */
record WriteResult(
        String file, long bytes, int tensors, @Nullable Long model, List<String> warnings) {}
