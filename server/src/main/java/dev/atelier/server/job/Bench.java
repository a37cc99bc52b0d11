package dev.atelier.server.job;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A place to work at, where one job is done at a time. What a job needs loaded stays for the next one. */
public interface Bench extends AutoCloseable {

    /** The model that is loaded, in the words of {@link Job#model}; null for none. */
    @Nullable
    String loadedModel();

    /**
     * Does a job.
     *
     * @return its result
     * @throws Exception if it failed for good, with a message for whoever asked for it; what {@code control} throws must
     *     be let through
     */
    JsonNode run(Job job, JobControl control) throws Exception;

    /** Frees what is loaded; the next job loads it again. */
    default void unload() {}

    @Override
    void close();
}
