package dev.atelier.server.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.List;

/** A group of routes that speaks one dialect. */
public interface Api {

    /** What its paths begin with, such as {@code /sdapi/v1/}. */
    List<String> prefixes();

    /** Adds its routes. */
    void addTo(RoutesConfig routes);

    /**
     * Lets a request in, or throws {@link HttpError} with 401 or 403. Called before every route of this API.
     *
     * @return whose jobs the request is about, see {@link dev.atelier.server.job.Jobs#LOCAL}
     */
    String admit(Context context);

    /** Answers a request that failed, in the dialect's own words. {@code failure} is an {@link HttpError} where it can be. */
    void fail(Context context, Exception failure);

    default boolean owns(String path) {
        return prefixes().stream().anyMatch(path::startsWith);
    }
}
