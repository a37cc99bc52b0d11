package dev.atelier.server.a1111;

import io.javalin.http.Handler;
import io.javalin.http.HandlerType;
import org.jspecify.annotations.Nullable;

/**
 * A route with what its document says of it.
 *
 * @param body the fields of its body; null where it reads none
 * @param answer the name of a schema in {@code openapi/a1111-answers.json}
 */
record Route(
        HandlerType method,
        String path,
        String summary,
        @Nullable FieldList body,
        String answer,
        Handler handler) {

    static Route get(String path, String summary, String answer, Handler handler) {
        return new Route(HandlerType.GET, path, summary, null, answer, handler);
    }

    static Route post(String path, String summary, String answer, Handler handler) {
        return new Route(HandlerType.POST, path, summary, null, answer, handler);
    }

    static Route post(String path, String summary, FieldList body, String answer, Handler handler) {
        return new Route(HandlerType.POST, path, summary, body, answer, handler);
    }
}
