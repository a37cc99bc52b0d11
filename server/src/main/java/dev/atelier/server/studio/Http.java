package dev.atelier.server.studio;

import dev.atelier.server.http.HttpError;
import io.javalin.http.Context;

/** What is behind the question mark, and answers that are no JSON. */
final class Http {
    private Http() {}

    /** @throws HttpError 422 if it is no whole number of that range */
    static int number(Context context, String name, int standard, int low, int high) {
        String text = context.queryParam(name);
        if (text == null || text.isEmpty()) {
            return standard;
        }
        if (text.matches("\\d{1,9}") && Integer.parseInt(text) >= low && Integer.parseInt(text) <= high) {
            return Integer.parseInt(text);
        }
        throw new HttpError(422, "%s is a number from %d to %d, not \"%s\"".formatted(name, low, high, text));
    }

    /** The text, or "". */
    static String text(Context context, String name) {
        String text = context.queryParam(name);
        return text == null ? "" : text;
    }

    /** A file; Javalin's UTF-8 would become a part of its type. */
    static void answer(Context context, String type, byte[] content) {
        context.contentType(type).result(content);
        context.res().setCharacterEncoding(null);
    }
}
