package dev.atelier.server.worker;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a training leaves behind.
 *
 * @param file its path below the models folder
 * @param model its id in the catalog
 * @param keys of its report and its samples in the store
 */
record TrainResult(String file, @Nullable Long model, int steps, double loss, List<String> keys) {}
