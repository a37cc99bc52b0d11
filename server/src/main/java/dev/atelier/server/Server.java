package dev.atelier.server;

import dev.atelier.server.a1111.A1111Api;
import dev.atelier.server.db.Settings;
import dev.atelier.server.http.Entrance;
import dev.atelier.server.http.HealthApi;
import dev.atelier.server.http.MetricsApi;
import dev.atelier.server.http.OpenApi;
import dev.atelier.server.http.SameOrigin;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.link.LinkApi;
import dev.atelier.server.link.Links;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.novita.NovitaApi;
import dev.atelier.server.outbound.Outbound;
import dev.atelier.server.studio.StudioApi;
import dev.atelier.server.studio.StudioPage;
import dev.atelier.server.upload.UploadApi;
import java.util.List;

/** Everything of a running server, put together. */
public final class Server implements AutoCloseable {
    private final Parts open = new Parts();
    private final WebServer web;

    private Server(ServerOptions options) {
        try {
            Workplace work = open.add(new Workplace(options.work(), options.queue()));
            Settings settings = new Settings(work.database());
            Links links = new Links(settings);
            Ledger ledger = new Ledger(work.database());
            Outbound outbound = open.add(new Outbound(options.webhookHosts()));
            NovitaApi novita = new NovitaApi(
                    work.database(),
                    work.jobs(),
                    ledger,
                    work.store(),
                    links,
                    work.library(),
                    outbound,
                    !options.isLoopback());
            open.add(novita.callWebhooks());
            if (options.keep() != null) {
                open.add(new Sweeper(work.jobs(), work.store(), ledger, novita, options.keep()).start());
            }
            // private models are their keys' business
            ModelLibrary library =
                    options.auth() == null ? work.library() : work.library().visibleTo("");
            UploadApi uploads = open.add(new UploadApi(
                    options.work().models(),
                    new Entrance(options.auth(), new ApiKeys(work.database())),
                    outbound,
                    options.downloadHosts(),
                    work.library()::rescan));
            web = open.add(WebServer.start(
                    options.host(),
                    options.port(),
                    new SameOrigin(options.corsOrigins(), options.isLoopback()),
                    work.metrics(),
                    List.of(
                            new HealthApi(work.database()::isReachable),
                            new MetricsApi(work.metrics(), options.auth()),
                            new A1111Api(
                                    work.jobs(),
                                    work.store(),
                                    settings,
                                    library,
                                    work::unload,
                                    options.auth(),
                                    outbound,
                                    options.downloadHosts()),
                            novita,
                            new LinkApi(links, work.store()),
                            uploads,
                            new StudioApi(work.database(), work.jobs(), work.store(), library, options.auth()),
                            new StudioPage(options.auth()),
                            new OpenApi(List.of("atelier", "novita")))));
        } catch (Throwable e) {
            open.close();
            throw e;
        }
    }

    /**
     * Starts a server and its workers.
     *
     * @throws java.io.UncheckedIOException if the data folder cannot be used
     * @throws IllegalStateException if the port is taken
     */
    public static Server start(ServerOptions options) {
        return new Server(options);
    }

    /** Method and path of each route, such as {@code GET /healthz}. */
    List<String> routes() {
        return web.routes();
    }

    /** The port it listens on. */
    public int port() {
        return web.port();
    }

    /** Stops listening, finishes what runs or queues it again, and lets go of database and store. */
    @Override
    public void close() {
        open.close();
    }
}
