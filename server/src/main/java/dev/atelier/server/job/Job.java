package dev.atelier.server.job;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A job as its row says it.
 *
 * @param id 26 characters, in order of time
 * @param owner whose turn it takes: the id of an API key, or {@link Jobs#LOCAL}
 * @param model the model that it needs loaded, so that jobs of one model run one after the other; null for none
 * @param request what to do, as the kind's runner reads it
 * @param result what came out, once it has succeeded
 * @param error one sentence, once it has failed
 * @param wish what somebody asked for while it ran
 * @param attempt how often it was started
 * @param worker who runs it, or ran it last
 */
public record Job(
        String id,
        JobKind kind,
        JobState state,
        String owner,
        @Nullable String model,
        JsonNode request,
        @Nullable JsonNode result,
        @Nullable String error,
        @Nullable Wish wish,
        int attempt,
        @Nullable String worker,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt) {

    /** The same, as it is once its first attempt has begun. */
    Job begun(String by, Instant time) {
        return new Job(
                id, kind, JobState.RUNNING, owner, model, request, null, null, null, 1, by, createdAt, time, null);
    }

    /** The same, as it is after its end. */
    Job ended(JobState end, @Nullable JsonNode outcome, @Nullable String reason, Instant time) {
        return new Job(
                id, kind, end, owner, model, request, outcome, reason, wish, attempt, worker, createdAt, startedAt,
                time);
    }
}
