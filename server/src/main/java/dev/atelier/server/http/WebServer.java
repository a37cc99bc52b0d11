package dev.atelier.server.http;

import dev.atelier.server.db.Json;
import dev.atelier.server.job.FailedJobException;
import dev.atelier.server.metric.Metrics;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.json.JavalinJackson3;
import io.javalin.router.Endpoint;
import java.math.BigDecimal;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** One port, with all APIs behind it. Every request has a thread of its own, an id, and a line in the log. */
public final class WebServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("dev.atelier.server.access");
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    /** Under which name the owner that an API admitted is kept with the request. */
    private static final String OWNER = "owner";

    private static final String STARTED = "started";

    // a caller that sends a whole picture in JSON needs a few; this is for the machinery, and Body's limits are for us
    private static final long MAX_REQUEST = 1L << 30;

    // the process has a limit of open files, and files to open
    private static final int MAX_CONNECTIONS = 4000;

    private static final Duration LONGEST_HEAD = Duration.ofSeconds(30);

    private final Javalin javalin;

    private WebServer(Javalin javalin) {
        this.javalin = javalin;
    }

    /**
     * Begins to listen.
     *
     * @param port 0 for any that is free
     */
    public static WebServer start(String host, int port, SameOrigin origins, Metrics metrics, List<Api> apis) {
        return new WebServer(Javalin.create(config -> configure(config, origins, metrics, apis))
                .start(host, port));
    }

    private static void configure(JavalinConfig config, SameOrigin origins, Metrics metrics, List<Api> apis) {
        config.startup.showJavalinBanner = false;
        config.concurrency.useVirtualThreads = true;
        config.jsonMapper(new JavalinJackson3(Json.MAPPER, true));
        config.http.maxRequestSize = MAX_REQUEST;
        config.http.prefer405over404 = true;
        config.http.defaultContentType = "application/json";
        config.router.ignoreTrailingSlashes = false;
        config.jetty.modifyHttpConfiguration(http -> http.setSendServerVersion(false));
        config.jetty.modifyServer(server -> {
            server.addBean(new NetworkConnectionLimit(MAX_CONNECTIONS, server));
            server.addEventListener(new SlowHeaders(LONGEST_HEAD));
        });
        config.requestLogger.http((context, millis) -> {
            metrics.request(context.req().getMethod(), route(context), context.statusCode(), Duration.ofNanos((long)
                    (millis * 1e6)));
            log(context, millis);
        });
        config.routes.before(context -> begin(context, origins, apis));
        config.routes.after(WebServer::end);
        config.routes.exception(Exception.class, (failure, context) -> fail(context, failure, apis));
        // Javalin has an answer of its own to these, which the line above does not replace
        config.routes.exception(HttpResponseException.class, (failure, context) -> fail(context, failure, apis));
        apis.forEach(api -> api.addTo(config.routes));
    }

    private static void begin(Context context, SameOrigin origins, List<Api> apis) {
        String id = Optional.ofNullable(context.header("X-Request-Id"))
                .filter(given -> REQUEST_ID.matcher(given).matches())
                .orElseGet(WebServer::newId);
        context.attribute(STARTED, System.nanoTime());
        MDC.put("request", id);
        context.header("X-Request-Id", id);
        context.header("X-Content-Type-Options", "nosniff");
        origins.require(context);
        api(context, apis).ifPresent(api -> context.attribute(OWNER, api.admit(context)));
    }

    static void end(Context context) {
        Body.ignore(context);
        Long started = context.attribute(STARTED);
        if (started != null) {
            // seconds to four places
            context.header(
                    "X-Process-Time",
                    BigDecimal.valueOf((System.nanoTime() - started) / 100_000, 4)
                            .toPlainString());
        }
    }

    /** Whose jobs a request is about. */
    public static String owner(Context context) {
        String owner = context.attribute(OWNER);
        if (owner == null) {
            throw new IllegalStateException("nobody was admitted to " + context.path());
        }
        return owner;
    }

    private static Optional<Api> api(Context context, List<Api> apis) {
        return apis.stream().filter(api -> api.owns(context.path())).findFirst();
    }

    private static void fail(Context context, Exception failure, List<Api> apis) {
        if (failure instanceof EofException) {
            LOG.info("{} {}: the caller is gone", context.req().getMethod(), context.path());
            return;
        }
        Exception shown = failure instanceof HttpResponseException response
                ? new HttpError(response.getStatus(), status(response.getStatus()))
                : failure;
        context.status(shown instanceof HttpError error ? error.status() : 500);
        api(context, apis)
                .ifPresentOrElse(
                        api -> api.fail(context, shown),
                        () -> context.contentType("text/plain")
                                .result(shown instanceof HttpError ? shown.getMessage() : "failed"));
        if (context.statusCode() >= 500 && (shown instanceof HttpError || shown instanceof FailedJobException)) {
            LOG.info("{} {}: {}", context.req().getMethod(), context.path(), shown.getMessage());
        } else if (context.statusCode() >= 500) {
            LOG.error("{} {} failed", context.req().getMethod(), context.path(), failure);
        }
        end(context);
    }

    private static String status(int status) {
        return switch (status) {
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 413 -> "the body is too long";
            default -> "HTTP " + status;
        };
    }

    private static String route(Context context) {
        Endpoint matched = context.endpoints().matchedHttpEndpoint();
        return matched == null ? "none" : matched.path;
    }

    private static void log(Context context, float millis) {
        LOG.atInfo()
                .addKeyValue("method", context.req().getMethod())
                .addKeyValue("path", context.path())
                .addKeyValue("status", context.statusCode())
                .addKeyValue("ms", Math.round(millis))
                .log("request");
        MDC.remove("request");
    }

    private static String newId() {
        byte[] random = new byte[8];
        RANDOM.nextBytes(random);
        return HexFormat.of().formatHex(random);
    }

    /** Method and path of each route, such as {@code GET /healthz}. */
    public List<String> routes() {
        return javalin.unsafe.internalRouter.allHttpHandlers().stream()
                .map(handler -> handler.endpoint)
                .filter(endpoint -> endpoint.method.isHttpMethod())
                .map(endpoint -> endpoint.method.name() + " " + endpoint.path)
                .toList();
    }

    /** The port it listens on. */
    public int port() {
        return javalin.port();
    }

    /** Stops listening; requests that are being answered are cut off. */
    @Override
    public void close() {
        javalin.stop();
    }
}
