package dev.atelier.server.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** {@code /openapi/NAME.json}: what the APIs of this server are, for programs. Open to all. */
public record OpenApi(List<String> names) implements Api {
    @Override
    public List<String> prefixes() {
        return names.stream().map("/openapi/%s.json"::formatted).toList();
    }

    @Override
    public void addTo(RoutesConfig routes) {
        prefixes()
                .forEach(path -> routes.get(
                        path, context -> context.contentType("application/json").result(read(path))));
    }

    private static byte[] read(String path) throws IOException {
        try (InputStream in = Objects.requireNonNull(OpenApi.class.getResourceAsStream(path))) {
            return in.readAllBytes();
        }
    }

    @Override
    public String admit(Context context) {
        return "";
    }

    @Override
    public void fail(Context context, Exception failure) {
        context.json(Map.of("message", String.valueOf(failure.getMessage())));
    }
}
