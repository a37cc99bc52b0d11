package dev.atelier.server.http;

import dev.atelier.server.db.Json;
import io.javalin.http.Context;
import java.io.IOException;

/** Answers that are worth a way of their own. */
public final class Answer {
    private Answer() {}

    /**
     * A long answer, sent in one piece and as it is: pictures in base64 gain little by compression, which takes longer than
     * everything else that is done for them.
     */
    public static void json(Context context, Object value) throws IOException {
        byte[] body = Json.MAPPER.writeValueAsBytes(value);
        WebServer.end(context);
        context.contentType("application/json");
        context.res().setContentLength(body.length);
        context.res().getOutputStream().write(body);
    }
}
