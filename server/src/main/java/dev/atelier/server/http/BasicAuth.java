package dev.atelier.server.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * User names and passwords as {@code --api-auth} lists them.
 *
 * @param credentials each {@code user:password}
 */
public record BasicAuth(List<String> credentials) {

    /** @throws IllegalArgumentException if one lacks its colon */
    public BasicAuth {
        credentials = List.copyOf(credentials);
        for (String pair : credentials) {
            if (pair.indexOf(':') < 1) {
                throw new IllegalArgumentException("a user and a password are written user:password");
            }
        }
    }

    /**
     * The user of a header {@code Authorization: Basic …}.
     *
     * @return empty if the password is wrong
     */
    Optional<String> user(String header) {
        byte[] given;
        try {
            given = Base64.getDecoder()
                    .decode(header.substring("Basic ".length()).strip());
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
        // all are compared, each in constant time, so that time tells nothing about any
        String found = null;
        for (String pair : credentials) {
            if (MessageDigest.isEqual(given, pair.getBytes(StandardCharsets.UTF_8))) {
                found = pair.substring(0, pair.indexOf(':'));
            }
        }
        return Optional.ofNullable(found);
    }

    /**
     * @return the user
     * @throws HttpError 401, in AUTOMATIC1111's words
     */
    public String require(@Nullable String header) {
        if (header == null || !header.regionMatches(true, 0, "Basic ", 0, "Basic ".length())) {
            throw new HttpError(401, "Not authenticated");
        }
        return user(header).orElseThrow(() -> new HttpError(401, "Incorrect username or password"));
    }
}
