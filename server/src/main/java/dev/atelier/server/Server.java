package dev.atelier.server;

import dev.atelier.server.a1111.A1111Api;
import dev.atelier.server.db.Database;
import dev.atelier.server.db.Settings;
import dev.atelier.server.http.HealthApi;
import dev.atelier.server.http.OpenApi;
import dev.atelier.server.http.SameOrigin;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Bench;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.Lane;
import dev.atelier.server.job.Worker;
import dev.atelier.server.link.LinkApi;
import dev.atelier.server.link.Links;
import dev.atelier.server.models.FolderShelf;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.models.ModelShelf;
import dev.atelier.server.novita.NovitaApi;
import dev.atelier.server.store.FileStore;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.server.studio.StudioApi;
import dev.atelier.server.studio.StudioPage;
import dev.atelier.server.worker.GenerateBench;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything of a running server, put together. */
public final class Server implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Server.class);

    /** What is open, the last opened first. */
    private final Deque<AutoCloseable> open = new ArrayDeque<>();

    private final WebServer web;

    private Server(ServerOptions options) {
        try {
            Database database = opened(Database.sqlite(options.data().resolve("atelier.db")));
            ObjectStore store = opened(new FileStore(options.data().resolve("files")));
            Jobs jobs = new Jobs(database, options.queue());
            Settings settings = new Settings(database);
            Links links = new Links(settings);
            ModelShelf shelf = new FolderShelf(options.models(), options.data().resolve("demo"));
            ModelLibrary library = opened(new ModelLibrary(
                    shelf,
                    options.models(),
                    options.data().resolve("demo"),
                    options.data().resolve("catalog.db")));
            opened(Worker.start(database, jobs, Lane.GENERATE, benches(options, shelf, store), options.pace()));
            web = opened(WebServer.start(
                    options.host(),
                    options.port(),
                    new SameOrigin(options.corsOrigins(), options.isLoopback()),
                    List.of(
                            new HealthApi(database::isReachable),
                            new A1111Api(jobs, store, settings, shelf, options.auth()),
                            new NovitaApi(database, jobs, store, links, shelf, !options.isLoopback()),
                            new LinkApi(links, store),
                            new StudioApi(jobs, store, library, options.auth()),
                            new StudioPage(options.auth()),
                            new OpenApi(List.of("novita")))));
        } catch (Throwable e) {
            close();
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

    private <T extends AutoCloseable> T opened(T part) {
        open.push(part);
        return part;
    }

    private static List<Bench> benches(ServerOptions options, ModelShelf shelf, ObjectStore store) {
        return IntStream.range(0, options.workers())
                .<Bench>mapToObj(_ -> new GenerateBench(shelf, store, options.engine()))
                .toList();
    }

    /** The port it listens on. */
    public int port() {
        return web.port();
    }

    /** Stops listening, finishes what runs or queues it again, and lets go of the data folder. */
    @Override
    public void close() {
        while (!open.isEmpty()) {
            AutoCloseable part = open.pop();
            try {
                part.close();
            } catch (Exception e) {
                LOG.error("{} did not close", part.getClass().getSimpleName(), e);
            }
        }
    }
}
