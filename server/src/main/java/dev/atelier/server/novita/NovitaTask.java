package dev.atelier.server.novita;

import dev.atelier.server.novita.Drawing.Outcome;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A task as its row says it.
 *
 * @param job the id of the job; null for a test, which has an outcome instead
 */
record NovitaTask(
        String id,
        @Nullable String job,
        TaskType type,
        ImageType imageType,
        int linkTtl,
        @Nullable Outcome outcome,
        Instant createdAt) {}
