package dev.atelier.server.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** {@code /healthz} answers while the process lives, {@code /readyz} while it can take jobs. Open to all. */
public record HealthApi(BooleanSupplier ready) implements Api {
    @Override
    public List<String> prefixes() {
        return List.of("/healthz", "/readyz");
    }

    @Override
    public void addTo(RoutesConfig routes) {
        routes.get("/healthz", context -> context.json(Map.of("status", "ok")));
        routes.get("/readyz", context -> {
            boolean isReady = ready.getAsBoolean();
            context.status(isReady ? 200 : 503).json(Map.of("status", isReady ? "ready" : "not ready"));
        });
    }

    @Override
    public String admit(Context context) {
        return "";
    }

    @Override
    public void fail(Context context, Exception failure) {
        context.json(Map.of("status", "failed"));
    }
}
