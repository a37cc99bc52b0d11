package dev.atelier.server.studio;

import dev.atelier.server.db.Json;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import io.javalin.http.Context;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/** Bodies that are the JSON of a record. A field that is not known is refused: it would be a setting without effect. */
final class JsonBody {
    /** Enough for a picture and a mask of 30 MB each. */
    private static final int LIMIT = 96 << 20;

    private static final ObjectReader READER =
            Json.MAPPER.reader().with(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    private JsonBody() {}

    /** @throws HttpError 400 if the body is no JSON, 422 if it is none of this type; the message names the field */
    static <T> T read(Context context, Class<T> type) {
        String text = Body.text(context, LIMIT);
        try {
            T value = READER.forType(type).readValue(text.isBlank() ? "{}" : text);
            if (value == null) {
                throw new HttpError(422, "the body is null; an object is expected");
            }
            return value;
        } catch (UnrecognizedPropertyException e) {
            throw new HttpError(
                    422,
                    "there is no field \"%s\"; there are %s"
                            .formatted(
                                    path(e),
                                    e.getKnownPropertyIds().stream()
                                            .map(String::valueOf)
                                            .collect(Collectors.joining(", "))));
        } catch (MismatchedInputException e) {
            throw new HttpError(422, "%s must be %s".formatted(path(e), kind(e.getTargetType())));
        } catch (DatabindException e) {
            throw new HttpError(422, "%s: %s".formatted(path(e), e.getOriginalMessage()));
        } catch (JacksonException e) {
            throw new HttpError(400, "the body is no JSON: " + e.getOriginalMessage());
        }
    }

    private static String kind(Class<?> type) {
        return switch (type.getSimpleName()) {
            case "int", "Integer", "long", "Long" -> "a whole number";
            case "double", "Double", "float", "Float" -> "a number";
            case "boolean", "Boolean" -> "true or false";
            case "String" -> "a text";
            case "List" -> "a list";
            default -> "an object";
        };
    }

    private static String path(JacksonException e) {
        StringBuilder path = new StringBuilder();
        e.getPath().forEach(step -> {
            if (step.getPropertyName() == null) {
                path.append('[').append(step.getIndex()).append(']');
            } else {
                path.append(path.isEmpty() ? "" : ".").append(step.getPropertyName());
            }
        });
        return path.toString();
    }
}
