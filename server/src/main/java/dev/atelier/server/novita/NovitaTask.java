package dev.atelier.server.novita;

import dev.atelier.server.novita.Drawing.Outcome;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A task as its row says it.
 *
 * @param webhook whom to tell when it is done; null for nobody
 * @param server where links to its pictures lead, where that is told
 * @param webhookDue when to tell, or to tell again
 * @param job the id of the job; null for a test, which has an outcome instead
 */
record NovitaTask(
        String id,
        String owner,
        @Nullable String job,
        TaskType type,
        ImageType imageType,
        int linkTtl,
        @Nullable Outcome outcome,
        @Nullable String webhook,
        @Nullable String server,
        @Nullable Instant webhookDue,
        int webhookTries,
        Instant createdAt) {}
