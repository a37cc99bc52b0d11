package dev.atelier.server.http;

import dev.atelier.server.job.Jobs;
import dev.atelier.server.key.ApiKey;
import dev.atelier.server.key.ApiKeys;
import io.javalin.http.Context;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Lets in who has a password or an API key; everybody where no password is set, which is on this machine only.
 *
 * @param auth null where nobody needs a password
 */
public record Entrance(@Nullable BasicAuth auth, ApiKeys keys) {

    /**
     * @return the user's name, the id of the key, or {@link Jobs#LOCAL}
     * @throws HttpError 401
     */
    public String admit(Context context) {
        String header = context.header("Authorization");
        if (auth != null && header != null && header.regionMatches(true, 0, "Basic ", 0, "Basic ".length())) {
            return auth.require(header);
        }
        Optional<String> secret = secret(context);
        Optional<ApiKey> key = secret.flatMap(keys::authenticate);
        if (key.isPresent()) {
            return key.get().id();
        }
        if (auth == null && secret.isEmpty()) {
            return Jobs.LOCAL;
        }
        context.header("WWW-Authenticate", "Basic");
        throw new HttpError(
                401, secret.isEmpty() ? "this server wants a password or a key" : "this key is unknown or revoked");
    }

    /** The key in any of the headers in which clients of Novita's API have sent it; without Bearer before it, too. */
    public static Optional<String> secret(Context context) {
        return Stream.of("Authorization", "X-Novita-Key", "X-Omni-Key")
                .map(context::header)
                .flatMap(Stream::ofNullable)
                .map(value -> value.strip().replaceFirst("(?i)^Bearer\\s+", ""))
                .filter(value -> !value.isEmpty())
                .findFirst();
    }
}
