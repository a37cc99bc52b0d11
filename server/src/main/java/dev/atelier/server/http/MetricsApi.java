package dev.atelier.server.http;

import dev.atelier.server.job.Jobs;
import dev.atelier.server.metric.Metrics;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code /metrics}, for Prometheus.
 *
 * @param auth null where nobody needs a password
 */
public record MetricsApi(Metrics metrics, @Nullable BasicAuth auth) implements Api {
    private static final String PATH = "/metrics";

    @Override
    public List<String> prefixes() {
        return List.of(PATH);
    }

    @Override
    public void addTo(RoutesConfig routes) {
        routes.get(
                PATH,
                context -> context.contentType("text/plain; version=0.0.4; charset=utf-8")
                        .result(metrics.scrape()));
    }

    @Override
    public String admit(Context context) {
        return auth == null ? Jobs.LOCAL : auth.require(context.header("Authorization"));
    }

    @Override
    public void fail(Context context, Exception failure) {
        if (context.statusCode() == 401) {
            context.header("WWW-Authenticate", "Basic");
        }
        context.contentType("text/plain")
                .result(failure instanceof HttpError error ? String.valueOf(error.getMessage()) : "failed");
    }
}
