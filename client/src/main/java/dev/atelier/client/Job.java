package dev.atelier.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a job was when the server was asked.
 *
 * @param state {@code queued}, {@code running}, {@code succeeded}, {@code failed} or {@code cancelled}
 * @param fraction how much of it is done, 0 to 1
 * @param ahead how many jobs come before it; null unless it is queued
 * @param error one sentence, once it has failed
 * @param images what came out, once it has succeeded
 */
public record Job(
        String id,
        String kind,
        String state,
        double fraction,
        @Nullable Integer ahead,
        @Nullable String error,
        List<Picture> images) {

    /** Whether nothing more will happen. */
    public boolean isDone() {
        return !state.equals("queued") && !state.equals("running");
    }
}
