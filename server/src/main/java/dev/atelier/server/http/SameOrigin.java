package dev.atelier.server.http;

import io.javalin.http.Context;
import java.net.URI;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps web pages of others from using a visitor's browser against this server. Browsers say where a request comes from;
 * programs do not, and are let through.
 *
 * @param allowed origins that may call, such as {@code https://example.org}
 * @param loopbackOnly whether only names of this machine may be in the address: a page that resolves its own name to
 *     127.0.0.1 would otherwise be of the same origin
 */
public record SameOrigin(Set<String> allowed, boolean loopbackOnly) {
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final Set<String> SAFE_METHODS = Set.of("GET", "HEAD", "OPTIONS");

    /** @throws HttpError 403 if the request comes from a foreign page */
    void require(Context context) {
        String host = context.header("Host");
        if (loopbackOnly && host != null && !LOOPBACK.contains(withoutPort(host))) {
            throw new HttpError(
                    403,
                    "this server listens on this machine only, and \"%s\" is not its name".formatted(printable(host)));
        }
        if (SAFE_METHODS.contains(context.req().getMethod())) {
            return;
        }
        String origin = context.header("Origin");
        if (origin != null && allowed.contains(origin)) {
            return;
        }
        String site = context.header("Sec-Fetch-Site");
        boolean foreign = site != null && !site.equals("same-origin") && !site.equals("none");
        if (foreign || (origin != null && !isOf(origin, host))) {
            throw new HttpError(403, "requests from other web pages are refused; --cors-allow-origins allows them");
        }
    }

    private static boolean isOf(String origin, @Nullable String host) {
        try {
            return host != null && host.equalsIgnoreCase(URI.create(origin).getAuthority());
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    private static String withoutPort(String host) {
        int colon = host.lastIndexOf(':');
        return colon > host.lastIndexOf(']') ? host.substring(0, colon) : host;
    }

    private static String printable(String text) {
        return text.replaceAll("[^\\x21-\\x7e]", "?");
    }
}
