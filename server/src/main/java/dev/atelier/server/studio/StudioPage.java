package dev.atelier.server.studio;

import dev.atelier.server.http.Api;
import dev.atelier.server.http.BasicAuth;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.job.Jobs;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code /} and {@code /studio/*}: the web page, from the resources below {@code /studio}.
 *
 * @param auth null where nobody needs a password
 */
public record StudioPage(@Nullable BasicAuth auth) implements Api {
    private static final String PREFIX = "/studio/";
    private static final String INDEX = "index.html";
    private static final Pattern FILE = Pattern.compile("[a-z0-9-]+\\.(html|js|css|svg)");
    private static final Map<String, String> TYPES =
            Map.of("html", "text/html", "js", "text/javascript", "css", "text/css", "svg", "image/svg+xml");

    /** Nothing from elsewhere, and no script in the page itself: what a prompt or a file says can never be run. */
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; "
            + "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
            + "frame-ancestors 'none'";

    @Override
    public List<String> prefixes() {
        return List.of(PREFIX);
    }

    @Override
    public boolean owns(String path) {
        return path.equals("/") || path.startsWith(PREFIX);
    }

    @Override
    public void addTo(RoutesConfig routes) {
        routes.get("/", context -> send(context, INDEX));
        routes.get(PREFIX + "{file}", context -> send(context, context.pathParam("file")));
    }

    private static void send(Context context, String name) throws IOException {
        Matcher file = FILE.matcher(name);
        if (!file.matches()) {
            throw new HttpError(404, "there is no such page");
        }
        byte[] content;
        try (InputStream in = StudioPage.class.getResourceAsStream(PREFIX + name)) {
            if (in == null) {
                throw new HttpError(404, "there is no such page");
            }
            content = in.readAllBytes();
        }
        String tag = "\"%s\"".formatted(hash(content));
        context.header("Content-Security-Policy", POLICY)
                .header("Referrer-Policy", "no-referrer")
                .header("Cache-Control", "no-cache") // asked for each time, and sent when it has changed
                .header("ETag", tag);
        if (tag.equals(context.header("If-None-Match"))) {
            context.status(304);
            return;
        }
        context.contentType(TYPES.get(file.group(1)) + "; charset=utf-8").result(content);
    }

    private static String hash(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    @Override
    public String admit(Context context) {
        return auth == null ? Jobs.LOCAL : auth.require(context.header("Authorization"));
    }

    @Override
    public void fail(Context context, Exception failure) {
        if (context.statusCode() == 401) {
            context.header("WWW-Authenticate", "Basic realm=\"Atelier\", charset=\"UTF-8\"");
        }
        context.contentType("text/plain; charset=utf-8")
                .result(failure instanceof HttpError ? String.valueOf(failure.getMessage()) : "failed");
    }
}
