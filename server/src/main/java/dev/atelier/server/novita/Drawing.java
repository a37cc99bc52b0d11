package dev.atelier.server.novita;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * A request that has been read and found good.
 *
 * @param linkTtl how many seconds the links to its pictures are good
 * @param outcome a test: how it is to end, without anything being drawn; null for a real one
 * @param webhook whom to tell when it is done; null for nobody
 */
record Drawing(
        TaskType type,
        Work work,
        ImageType imageType,
        int linkTtl,
        @Nullable Outcome outcome,
        @Nullable URI webhook) {

    /** How a test ends. */
    enum Outcome {
        TASK_STATUS_SUCCEED,
        TASK_STATUS_FAILED
    }
}
